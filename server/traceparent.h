/*
 * traceparent — the trace that a request belongs to (W3C Trace Context, level 1): `00-`, 32 hex digits of the trace, `-`,
 * 16 of the span that asks, `-`, 2 of flags; lower case.
 *
 * It is kept with the request, with the message that it makes, and with its entry in the audit. A client's mistake in it
 * never fails a request: what cannot be read is as if it were not there.
 */
#pragma once

#include "base/text.h"

/* As version 00 (of a later version its first 55 characters are read); TEXT_NONE: none, or none that can be read. */
struct text traceparent_read(struct arena *arena, struct text header);
struct text traceparent_trace(struct text traceparent); /* the 32 digits */
