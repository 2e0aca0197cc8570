#include "server/render.h"

json_t *render_text(struct text text)
{
    return text_is_none(text) ? json_null() : json_stringn(text.bytes, text.length);
}

json_t *render_texts(struct texts texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts.count; i++)
        json_array_append_new(list, render_text(texts.items[i]));
    return list;
}

json_t *render_id(struct arena *arena, enum id_kind kind, struct uuid uuid)
{
    return uuid_is_nil(uuid) ? json_null() : render_text(id_text(arena, kind, uuid));
}

json_t *render_instant(struct arena *arena, struct instant instant)
{
    return instant_is_none(instant) ? json_null() : render_text(instant_text(arena, instant));
}

json_t *render_day(struct arena *arena, struct day day)
{
    return day_is_none(day) ? json_null() : render_text(day_text(arena, day));
}

json_t *render_json(struct text json)
{
    json_error_t error;
    json_t *value =
        text_is_none(json) ? NULL : json_loadb(json.bytes, json.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    return value == NULL ? json_null() : value;
}
