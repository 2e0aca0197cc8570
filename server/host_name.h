/*
 * host_name — is it us that a request's Host means? (T94)
 *
 * A page of a stranger may have a name of its own that leads to our address, and a reader's browser then asks us as if we
 * were that page (DNS rebinding); links and caches can be poisoned the same way. So a name must be one that we were told
 * of. An address, or `localhost`, is nobody else's name, and passes.
 */
#pragma once

#include "io/settings.h"

/* The value of Host (RFC 9110 §7.2): a name or an address, and perhaps a port, which is not looked at. `*` among the
 * names: any name is ours. */
MUST_USE bool host_name_is_ours(struct text host, const struct setting_texts *names);
