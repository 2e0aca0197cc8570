/*
 * front — who asks, where a proxy of ours stands before the API.
 *
 * A front adds the address that asked it at the end of X-Forwarded-For. What stands before that, whoever asked may have
 * written, and nobody but a front that we were told of is believed at all.
 */
#pragma once

#include "base/ip.h"

#include "io/settings.h"

/* forwarded_for: the last such header, TEXT_NONE where there is none. */
struct ip front_peer(const struct setting_texts *fronts, struct ip peer, struct text forwarded_for);
