/*
 * render — values as JSON. Each gives a new reference; what is absent (TEXT_NONE, UUID_NIL, INSTANT_NONE) is null.
 */
#pragma once

#include "base/id.h"
#include "base/instant.h"

#include "io/statement.h"

#include <jansson.h>

json_t *render_text(struct text text);
json_t *render_texts(struct texts texts);
json_t *render_id(struct arena *arena, enum id_kind kind, struct uuid uuid);
json_t *render_instant(struct arena *arena, struct instant instant);
json_t *render_day(struct arena *arena, struct day day);
json_t *render_json(struct text json); /* a jsonb column's text, as it was kept */
