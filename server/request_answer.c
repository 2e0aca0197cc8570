#include "server/request.h"

#include "server/audit.h"

/* ---- answers ---- */

static void clear(struct request_answer *answer)
{
    json_decref(answer->json);
    *answer =
        (struct request_answer){ .location = TEXT_NONE, .etag = TEXT_NONE, .allow = TEXT_NONE, .text = TEXT_NONE };
}

void request_answer(struct request *request, int status, json_t *json)
{
    struct text location = request->answer.location;
    clear(&request->answer);
    request->answer.status = status;
    request->answer.json = json;
    request->answer.content_type = "application/json";
    request->answer.location = location;
}

json_t *request_lasting(const json_t *json)
{
    static const char *const by_itself[] = { "worker", "sent_today", "next_free_slot", "available_at" };
    json_t *kept = json_copy((json_t *)json);
    for (size_t i = 0; i < COUNT(by_itself); i++)
        json_object_del(kept, by_itself[i]);
    return kept;
}

/* What changes by itself is no part of what If-Match protects. */
static struct text etag_of(struct arena *arena, const json_t *json)
{
    json_t *kept = request_lasting(json);
    char *dumped = json_dumps(kept, JSON_SORT_KEYS | JSON_COMPACT);
    assert(dumped != NULL);
    uint8_t digest[SECRET_DIGEST];
    secret_sha256(text_of(dumped), digest);
    memory_free(&dumped);
    json_decref(kept);
    struct text hex = text_hex(arena, text_from((const char *)digest, 12));
    return text_format(arena, "\"%.*s\"", TEXT_ARG(hex));
}

void request_answer_one(struct request *request, int status, json_t *json)
{
    request_answer(request, status, json);
    request->answer.etag = etag_of(request->arena, json);
}

void request_location(struct request *request, const char *format, ...)
{
    struct builder builder = builder_in(request->arena);
    va_list arguments;
    va_start(arguments, format);
    builder_vformat(&builder, format, arguments);
    va_end(arguments);
    request->answer.location = builder_text(&builder);
}

bool request_matches(struct request *request, const json_t *json)
{
    bool twice;
    audit_before(request, json);
    struct text wanted = text_trim(exchange_header(request->exchange, "If-Match", &twice));
    if (text_is_none(wanted) || text_equal(wanted, TEXT("*")))
        return true;
    struct text etag = etag_of(request->arena, json), rest = wanted, one;
    while (!twice && text_cut(&rest, ',', &one))
        if (text_equal(text_trim(one), etag))
            return true;
    request_refuse(request, PROBLEM_PRECONDITION_FAILED, "It is not what If-Match names any more; read it again.");
    return false;
}

/* ---- refusals ---- */

static void refuse(struct request *request, enum problem problem, struct text detail, const struct faults *faults)
{
    clear(&request->answer);
    struct text instance = text_sane(request->arena, request->exchange->path);
    request->answer.problem = problem;
    request->answer.status = problem_status(problem);
    request->answer.json = problem_json(problem, text_sane(request->arena, detail), instance, faults);
    request->answer.content_type = "application/problem+json";
    if (request->answer.status == 429 || request->answer.status == 503)
        request->answer.retry_after_s = 1;
}

void request_refuse(struct request *request, enum problem problem, const char *format, ...)
{
    struct builder builder = builder_in(request->arena);
    va_list arguments;
    va_start(arguments, format);
    builder_vformat(&builder, format, arguments);
    va_end(arguments);
    refuse(request, problem, builder_text(&builder), NULL);
}

void request_refuse_field(struct request *request, enum problem problem, const char *pointer, const char *code,
                          const char *format, ...)
{
    struct builder builder = builder_in(request->arena);
    va_list arguments;
    va_start(arguments, format);
    builder_vformat(&builder, format, arguments);
    va_end(arguments);
    struct text detail = builder_text(&builder);
    struct faults faults = { .count = 0 };
    faults_add(&faults, (struct fault){ text_of(pointer), text_of(code), detail, INT64_MIN });
    refuse(request, problem, detail, &faults);
}

void request_refuse_faults(struct request *request, const struct faults *faults)
{
    struct text detail = faults->count == 1
                             ? TEXT("One field is not as it must be.")
                             : text_format(request->arena, "%zu fields are not as they must be.", faults->count);
    refuse(request, PROBLEM_VALIDATION, detail, faults);
}

void request_not_found(struct request *request)
{
    request_refuse(request, PROBLEM_NOT_FOUND, "There is no such thing, or it is not yours.");
}
