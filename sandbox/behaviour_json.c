#include "sandbox/behaviour_json.h"

#include <string.h>

/* One field of an object: where it goes, its type, its greatest value and its unit in the struct. */
struct field {
    const char *name;
    enum { FIELD_COUNT, FIELD_DURATION, FIELD_FLAG, FIELD_REPLY } type;
    size_t offset;
    int64_t max, unit_us;
};

static const struct field behaviour_fields[] = {
    { "limit", FIELD_COUNT, offsetof(struct behaviour, limit), BEHAVIOUR_LIMIT_MAX, 0 },
    { "close_late_ms", FIELD_DURATION, offsetof(struct behaviour, close_late_us), BEHAVIOUR_US_MAX, US_PER_MS },
    { "never_close", FIELD_FLAG, offsetof(struct behaviour, never_close), 0, 0 },
    { "greylist_s", FIELD_DURATION, offsetof(struct behaviour, greylist_us), BEHAVIOUR_US_MAX, US_PER_SECOND },
    { "messages", FIELD_COUNT, offsetof(struct behaviour, messages), BEHAVIOUR_LIMIT_MAX, 0 },
    { "idle_s", FIELD_DURATION, offsetof(struct behaviour, idle_us), BEHAVIOUR_US_MAX, US_PER_SECOND },
};

static const struct field rule_fields[] = {
    { "reply", FIELD_REPLY, offsetof(struct stage_rule, reply), 0, 0 },
    { "delay_ms", FIELD_DURATION, offsetof(struct stage_rule, delay_us), BEHAVIOUR_US_MAX, US_PER_MS },
    { "stall", FIELD_FLAG, offsetof(struct stage_rule, stall), 0, 0 },
    { "drop", FIELD_FLAG, offsetof(struct stage_rule, drop), 0, 0 },
    { "close", FIELD_FLAG, offsetof(struct stage_rule, close), 0, 0 },
};

static json_t *field_json(const struct field *field, const char *at)
{
    const char *place = at + field->offset;
    switch (field->type) {
    case FIELD_COUNT: return json_integer((json_int_t) * (const size_t *)(const void *)place);
    case FIELD_DURATION: return json_integer(*(const int64_t *)(const void *)place / field->unit_us);
    case FIELD_FLAG: return json_boolean(*(const bool *)(const void *)place);
    case FIELD_REPLY: return json_string(place);
    }
    unreachable("a field has one of four types");
}

static json_t *rule_json(const struct stage_rule *rule)
{
    json_t *json = json_object();
    for (size_t i = 0; i < COUNT(rule_fields); i++)
        json_object_set_new(json, rule_fields[i].name, field_json(&rule_fields[i], (const char *)rule));
    return json;
}

json_t *behaviour_json(const struct behaviour *behaviour)
{
    static const struct stage_rule none;
    json_t *json = json_object();
    json_t *at = json_object();
    json_object_set_new(json, "profile", json_string(profile_name(behaviour->profile)));
    for (size_t i = 0; i < COUNT(behaviour_fields); i++)
        json_object_set_new(json, behaviour_fields[i].name, field_json(&behaviour_fields[i], (const char *)behaviour));
    for (unsigned i = 0; i < STAGES; i++)
        if (memcmp(&behaviour->at[i], &none, sizeof(none)) != 0)
            json_object_set_new(at, stage_name((enum stage)i), rule_json(&behaviour->at[i]));
    json_object_set_new(json, "at", at);
    return json;
}

/* Lines of visible ASCII, tabs and spaces, parted by LF: nobody smuggles a second reply through a rule by accident. */
static bool is_reply(struct text text)
{
    if (text.length >= BEHAVIOUR_REPLY_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] != '\n' && text.bytes[i] != '\t' && (text.bytes[i] < ' ' || text.bytes[i] > '~'))
            return false;
    return true;
}

static bool field_number(const struct field *field, const json_t *value, char *place)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0)
        return false;
    if (field->type == FIELD_COUNT) {
        *(size_t *)(void *)place = (size_t)number;
        return number <= field->max;
    }
    if (number > field->max / field->unit_us)
        return false;
    *(int64_t *)(void *)place = number * field->unit_us;
    return true;
}

static bool field_set(const struct field *field, const json_t *value, char *at)
{
    char *place = at + field->offset;
    struct text reply;
    switch (field->type) {
    case FIELD_COUNT:
    case FIELD_DURATION: return field_number(field, value, place);
    case FIELD_FLAG: *(bool *)(void *)place = json_is_true(value); return json_is_boolean(value);
    case FIELD_REPLY:
        reply = text_from(json_string_value(value), json_string_length(value));
        if (!json_is_string(value) || !is_reply(reply))
            return false;
        memcpy(place, reply.bytes, reply.length);
        place[reply.length] = '\0';
        return true;
    }
    unreachable("a field has one of four types");
}

static const struct field *field_named(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* An unknown name and a wrong value are one fault to whoever reads it: the name is in the words. */
static bool fields_set(struct arena *arena, const struct field *fields, size_t count, const char *name,
                       const json_t *value, void *at, struct text *fault)
{
    const struct field *field = field_named(fields, count, name);
    if (field == NULL)
        *fault = text_format(arena, "%s is not known here", name);
    else if (!field_set(field, value, at))
        *fault = text_format(arena, "%s has a value that it cannot have", name);
    else
        return true;
    return false;
}

static bool rules_from_json(struct arena *arena, json_t *json, struct behaviour *behaviour, struct text *fault)
{
    const char *stage, *name;
    json_t *rule, *value;
    json_object_foreach(json, stage, rule)
    {
        enum stage which;
        if (!stage_of(text_of(stage), &which) || !json_is_object(rule)) {
            *fault = text_format(arena, "at: %s is no stage, or not an object", stage);
            return false;
        }
        json_object_foreach(rule, name, value) if (!fields_set(arena, rule_fields, COUNT(rule_fields), name, value,
                                                               &behaviour->at[which], fault)) return false;
    }
    return true;
}

static bool from_object(struct arena *arena, json_t *json, struct behaviour *behaviour, struct text *fault)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        if (strcmp(name, "profile") == 0)
            continue;
        if (strcmp(name, "at") == 0 && json_is_object(value)) {
            if (!rules_from_json(arena, value, behaviour, fault))
                return false;
            continue;
        }
        if (!fields_set(arena, behaviour_fields, COUNT(behaviour_fields), name, value, behaviour, fault))
            return false;
    }
    return true;
}

bool behaviour_from_json(struct arena *arena, json_t *json, struct behaviour *behaviour, struct text *fault)
{
    enum profile profile = behaviour->profile;
    const json_t *named = json_object_get(json, "profile");
    *fault = TEXT("a behaviour is an object");
    if (!json_is_object(json))
        return false;
    *fault = TEXT("profile is strict, gmail or lax");
    if (named != NULL && !profile_of(text_of(json_string_value(named)), &profile))
        return false;
    struct behaviour wanted = behaviour_of(profile);
    if (!from_object(arena, json, &wanted, fault))
        return false;
    *behaviour = wanted;
    return true;
}
