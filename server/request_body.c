#include "server/request_body.h"

#include "base/bounds.h"

/* ---- the body ---- */

bool body_type_fits(struct text content_type, bool merge_patch)
{
    size_t semicolon = text_find(content_type, ';');
    struct text type = text_trim(text_slice(content_type, 0, semicolon));
    if (!text_equal_fold(type, TEXT("application/json")) &&
        !(merge_patch && text_equal_fold(type, TEXT("application/merge-patch+json"))))
        return false;
    if (semicolon == content_type.length)
        return true;
    struct text parameter = text_trim(text_after(content_type, semicolon + 1));
    return text_equal_fold(parameter, TEXT("charset=utf-8")) || text_equal_fold(parameter, TEXT("charset=\"utf-8\""));
}

size_t json_depth(struct text json)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.length; i++) {
        char byte = json.bytes[i];
        if (in_string) {
            if (byte == '\\')
                i++;
            else if (byte == '"')
                in_string = false;
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
            deepest = MAX_OF(deepest, depth);
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

static bool parse_body(struct request *request)
{
    struct text body = request->exchange->body;
    if (body.length == 0) {
        request_refuse(request, PROBLEM_MALFORMED, "A JSON object is wanted as the body.");
        return false;
    }
    if (json_depth(body) > BOUND_JSON_DEPTH) {
        request_refuse(request, PROBLEM_MALFORMED, "The JSON is nested deeper than %d.", BOUND_JSON_DEPTH);
        return false;
    }
    json_error_t error;
    request->body = json_loadb(body.bytes, body.length, JSON_REJECT_DUPLICATES, &error);
    if (request->body == NULL) {
        struct text words = text_sane(request->arena, text_of(error.text));
        request_refuse(request, PROBLEM_MALFORMED, "The body is no JSON: at byte %d: %.*s.", error.position,
                       TEXT_ARG(words));
        return false;
    }
    return true;
}

static bool check_body(struct request *request)
{
    if (request->route->body == NULL)
        return true;
    if (!parse_body(request))
        return false;
    struct faults faults = { .count = 0 };
    schema_check(request->arena, request->route->body, request->body, TEXT(""), &faults);
    if (faults.count == 0)
        return true;
    request_refuse_faults(request, &faults);
    return false;
}

/* ---- the path ---- */

/* An id of another kind, or of no form, was never anybody's: not found, like an id that is nobody's. */
static bool check_path(struct request *request)
{
    const struct route *route = request->route;
    struct faults faults = { .count = 0 };
    for (size_t i = 0; i < route->in_path_count; i++)
        schema_check_text(request->arena, route->in_path[i].schema, request->exchange->in_path[i], TEXT(""), &faults);
    if (faults.count == 0)
        return true;
    request_refuse(request, PROBLEM_NOT_FOUND, "%.*s", TEXT_ARG(faults.items[0].detail));
    return false;
}

/* ---- the query ---- */

static const struct parameter *parameter_named(const struct route *route, struct text name, size_t *index)
{
    for (size_t i = 0; i < route->query_count; i++) {
        if (text_equal(name, text_of(route->query[i].name))) {
            *index = i;
            return &route->query[i];
        }
    }
    return NULL;
}

static void fault(struct request *request, struct faults *faults, struct text name, const char *code, const char *words)
{
    struct text pointer = schema_pointer(request->arena, TEXT(""), name);
    faults_add(faults, (struct fault){ pointer, text_of(code), text_of(words), INT64_MIN });
}

static void add_to_list(struct request *request, size_t index, struct text value, struct faults *faults)
{
    struct texts *list = &request->listed[index];
    size_t most = request->route->query[index].schema->count_max;
    if (list->items == NULL)
        list->items = arena_make_array(request->arena, struct text, most);
    if (list->count == most) {
        fault(request, faults, text_of(request->route->query[index].name), "max-items", "This is repeated too often.");
        return;
    }
    struct text *items = (struct text *)(uintptr_t)list->items;
    items[list->count++] = value;
}

static void take_parameter(struct request *request, struct text name, struct text value, struct faults *faults)
{
    size_t index;
    const struct parameter *parameter = parameter_named(request->route, name, &index);
    if (parameter == NULL) {
        fault(request, faults, name, "unknown", "This parameter is not known here.");
        return;
    }
    schema_check_text(request->arena, parameter->schema, value,
                      schema_pointer(request->arena, TEXT(""), text_of(parameter->name)), faults);
    if (parameter->schema->types & SCHEMA_ARRAY)
        add_to_list(request, index, value, faults);
    else if (!text_is_none(request->query[index]))
        fault(request, faults, name, "twice", "This parameter stands there twice.");
    request->query[index] = value;
}

static bool take_query(struct request *request)
{
    const struct route *route = request->route;
    struct faults faults = { .count = 0 };
    struct text rest = request->exchange->query, part;
    request->query = arena_make_array(request->arena, struct text, route->query_count + 1);
    request->listed = arena_make_array(request->arena, struct texts, route->query_count + 1);
    while (text_cut(&rest, '&', &part)) {
        size_t equals = text_find(part, '=');
        struct text name, value;
        if (!route_decode(request->arena, text_slice(part, 0, equals), true, &name) ||
            !route_decode(request->arena, equals < part.length ? text_after(part, equals + 1) : TEXT(""), true,
                          &value)) {
            request_refuse(request, PROBLEM_MALFORMED, "The query is not encoded as it must be.");
            return false;
        }
        if (name.length > 0)
            take_parameter(request, name, value, &faults);
    }
    if (faults.count == 0)
        return true;
    request_refuse_faults(request, &faults);
    return false;
}

bool body_take(struct request *request)
{
    return check_path(request) && take_query(request) && check_body(request);
}

/* ---- what was given ---- */

struct text request_in_path(const struct request *request, size_t index)
{
    assert(index < request->route->in_path_count);
    return request->exchange->in_path[index];
}

static struct uuid id_of(struct text text, enum id_kind kind)
{
    struct uuid uuid;
    if (text_is_none(text) || id_parse(text, kind, &uuid) != ID_GOOD)
        return UUID_NIL;
    return uuid;
}

struct uuid request_id_in_path(const struct request *request, enum id_kind kind)
{
    return id_of(request_in_path(request, 0), kind);
}

static size_t index_of(const struct request *request, const char *name)
{
    size_t index;
    if (parameter_named(request->route, text_of(name), &index) == NULL)
        unreachable("a handler asks for a parameter that the contract does not have");
    return index;
}

struct text request_query(const struct request *request, const char *name)
{
    return request->query[index_of(request, name)];
}

struct texts request_query_list(const struct request *request, const char *name)
{
    return request->listed[index_of(request, name)];
}

int64_t request_query_number(const struct request *request, const char *name)
{
    size_t index = index_of(request, name);
    int64_t number;
    return text_to_int64(request->query[index], &number) ? number : request->route->query[index].standard;
}

struct uuid request_query_id(const struct request *request, const char *name, enum id_kind kind)
{
    return id_of(request_query(request, name), kind);
}

struct text body_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? text_from(json_string_value(value), json_string_length(value)) : TEXT_NONE;
}

struct uuid body_id(const json_t *object, const char *name, enum id_kind kind)
{
    return id_of(body_text(object, name), kind);
}

struct instant body_instant(const json_t *object, const char *name)
{
    struct instant instant;
    struct text text = body_text(object, name);
    return !text_is_none(text) && instant_parse(text, &instant) ? instant : INSTANT_NONE;
}

int64_t body_number(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool body_has(const json_t *object, const char *name)
{
    return json_object_get(object, name) != NULL;
}

bool body_null(const json_t *object, const char *name)
{
    return json_is_null(json_object_get(object, name));
}
