#include "base/bounds.h"

#include "mail/address.h"

#include "ledger/mailbox.h"
#include "ledger/zones.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/mailbox_plan.h"
#include "server/render.h"
#include "server_statements.h"

#include <string.h>

LEDGER_CALL(mailboxes_make, mailboxes_make)
LEDGER_CALL(mailbox_change, mailbox_change)
LEDGER_CALL(mailbox_close, mailbox_close)

static const char *const day_names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

/* ---- render ---- */

static json_t *time_json(struct arena *arena, int minute)
{
    return render_text(text_format(arena, "%02d:%02d", minute / 60, minute % 60));
}

static json_t *window_json(struct arena *arena, const struct mailboxes_read_row *row)
{
    json_t *days = json_array();
    for (size_t i = 0; i < COUNT(day_names); i++)
        if (row->window_days & 1 << i)
            json_array_append_new(days, json_string(day_names[i]));
    return json_pack("{s:o,s:o,s:o}", "days", days, "start", time_json(arena, row->window_start_min), "end",
                     time_json(arena, row->window_end_min));
}

static json_t *mailbox_json(struct request *request, const struct mailboxes_read_row *row)
{
    struct arena *arena = request->arena;
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:I,s:o,s:o}", "id", render_id(arena, ID_MAILBOX, row->mailbox_id),
        "address", render_text(row->address), "display_name", render_text(row->display_name), "pool_id",
        render_id(arena, ID_POOL, row->pool_id), "ip_id", render_id(arena, ID_IP, row->ip_id), "ordinal",
        row->ordinal < 0 ? json_null() : json_integer(row->ordinal), "time_zone", render_text(row->time_zone), "window",
        window_json(arena, row), "daily_cap", row->daily_cap, "state", render_text(row->state), "sent_today",
        (json_int_t)row->sent_today, "next_free_slot", render_instant(arena, mailbox_next_free(request, row)),
        "created_at", render_instant(arena, row->created_at));
}

/* ---- read ---- */

static bool read_row(struct request *request, struct transaction *transaction, struct uuid mailbox,
                     struct mailboxes_read_row *row)
{
    size_t asked = mailboxes_read_ask(transaction, &(struct mailboxes_read){ .customer = request->customer,
                                                                             .mailboxes = { &mailbox, 1 },
                                                                             .before = page_newest,
                                                                             .wanted = 1,
                                                                             .now = request->now });
    if (!request_read(request))
        return false;
    if (mailboxes_read_count(transaction, asked) == 0) {
        request_not_found(request);
        return false;
    }
    *row = mailboxes_read_get(transaction, asked, 0);
    return true;
}

static json_t *read_one(struct request *request, struct transaction *transaction, struct uuid mailbox)
{
    struct mailboxes_read_row row;
    return read_row(request, transaction, mailbox, &row) ? mailbox_json(request, &row) : NULL;
}

void mailboxes_get(struct request *request)
{
    json_t *json = read_one(request, request_reading(request), request_id_in_path(request, ID_MAILBOX));
    if (json != NULL)
        request_answer_one(request, 200, json);
}

/* An address that is none is nobody's. */
static struct text key_of(struct arena *arena, struct text text)
{
    struct address address;
    if (text_is_none(text))
        return TEXT_NONE;
    return address_parse(arena, text, &address) == ADDRESS_GOOD ? address.key : TEXT("");
}

void mailboxes_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct transaction *transaction = request_reading(request);
    size_t asked =
        mailboxes_read_ask(transaction, &(struct mailboxes_read){
                                            .customer = request->customer,
                                            .states = request_query_list(request, "state"),
                                            .pool = request_query_id(request, "pool_id", ID_POOL),
                                            .address_key = key_of(request->arena, request_query(request, "address")),
                                            .before = page.before,
                                            .wanted = page_wanted(&page),
                                            .now = request->now,
                                        });
    if (!request_read(request))
        return;
    size_t count = mailboxes_read_count(transaction, asked), shown = page_shown(&page, count);
    struct mailboxes_read_row row = { .mailbox_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = mailboxes_read_get(transaction, asked, i);
        json_array_append_new(data, mailbox_json(request, &row));
    }
    page_answer(request, &page, data, count, row.mailbox_id);
}

/* The row's texts live until the next statement: what the plan needs of them is kept. */
static void keep_row(struct arena *arena, struct mailboxes_read_row *row)
{
    row->time_zone = text_copy(arena, row->time_zone);
    row->state = text_copy(arena, row->state);
}

void mailboxes_plan(struct request *request)
{
    struct mailboxes_read_row row;
    struct uuid mailbox = request_id_in_path(request, ID_MAILBOX);
    if (!read_row(request, request_reading(request), mailbox, &row))
        return;
    keep_row(request->arena, &row);
    const struct zone *zone = zones_find(request->server->zones, row.time_zone, clock_tick());
    struct plan_days days = { .count = (int32_t)request_query_number(request, "days") };
    days.first = zone == NULL ? day_of_instant_utc(request->now) : booking_first_day(zone, request->now);
    struct transaction *transaction = request_reading_of(request, row.customer_id);
    size_t asked =
        mailbox_slots_ask(transaction, &(struct mailbox_slots){ row.customer_id, mailbox, day_add(days.first, -2),
                                                                day_add(days.first, days.count + 1) });
    if (!request_read(request))
        return;
    days.taken_count = mailbox_slots_count(transaction, asked);
    struct mailbox_slots_row *taken = arena_make_array(request->arena, struct mailbox_slots_row, days.taken_count);
    for (size_t i = 0; i < days.taken_count; i++)
        taken[i] = mailbox_slots_get(transaction, asked, i);
    days.taken = taken;
    request_answer(request, 200, json_pack("{s:o}", "data", mailbox_plan_json(request, &row, &days)));
}

/* ---- what is wanted, checked ---- */

static uint16_t minute_of(struct text time)
{
    uint64_t hour, minute;
    if (!text_to_uint(text_slice(time, 0, 2), 24, &hour) || !text_to_uint(text_slice(time, 3, 2), 59, &minute))
        unreachable("the contract's format was checked");
    return (uint16_t)(hour * 60 + minute);
}

static struct window window_of(const json_t *json)
{
    struct window window = { .start_minute = minute_of(body_text(json, "start")),
                             .end_minute = minute_of(body_text(json, "end")) };
    const json_t *days = json_object_get(json, "days");
    for (size_t i = 0; i < json_array_size(days); i++)
        for (size_t n = 0; n < COUNT(day_names); n++)
            if (strcmp(json_string_value(json_array_get(days, i)), day_names[n]) == 0)
                window.days |= (uint8_t)(1 << n);
    return window;
}

static void fault(struct request *request, struct faults *faults, struct text at, const char *field, const char *code,
                  const char *words)
{
    faults_add(faults, (struct fault){ text_format(request->arena, "%.*s/%s", TEXT_ARG(at), field), text_of(code),
                                       text_of(words), INT64_MIN });
}

/* Names that the system's tzdata has, but that mean something else on another host, or nothing. */
static bool is_zone_of_its_own(struct text zone)
{
    static const char *const names[] = { "localtime", "posixrules", "Factory" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (text_equal(zone, text_of(names[i])))
            return false;
    return !text_starts(zone, TEXT("posix/")) && !text_starts(zone, TEXT("right/"));
}

/* What the contract's form cannot say: that the zone exists and the window is one. */
static void check_times(struct request *request, const json_t *json, struct text at, struct faults *faults)
{
    struct text zone = body_text(json, "time_zone");
    const json_t *window = json_object_get(json, "window");
    if (!text_is_none(zone) &&
        (!is_zone_of_its_own(zone) || zones_find(request->server->zones, zone, clock_tick()) == NULL))
        fault(request, faults, at, "time_zone", "unknown",
              "This time zone is not known; write one like Europe/Berlin.");
    if (window == NULL)
        return;
    struct window wanted = window_of(window);
    if (!window_is_valid(&wanted))
        fault(request, faults, at, "window", "window",
              "A window has 15 minutes at least, and ends on the day it begins.");
}

/* ---- make ---- */

static struct mailbox_new new_of(struct request *request, const json_t *json)
{
    struct address address;
    if (address_parse(request->arena, body_text(json, "address"), &address) != ADDRESS_GOOD)
        unreachable("the contract's format was checked");
    struct text display_name = body_text(json, "display_name"), zone = body_text(json, "time_zone");
    const json_t *window = json_object_get(json, "window");
    return (struct mailbox_new){
        .mailbox = act_id(&request->act),
        .address = address.text,
        .address_key = address.key,
        .domain = address.domain,
        .display_name = text_is_none(display_name) ? TEXT("") : display_name,
        .pool = body_id(json, "pool_id", ID_POOL),
        .time_zone = text_is_none(zone) ? TEXT("UTC") : zone,
        .window = window != NULL ? window_of(window) : (struct window){ 0x1F, 9 * 60, 17 * 60 },
        .daily_cap = (int16_t)body_number(json, "daily_cap", BOUND_DAILY_CAP),
    };
}

static bool stands_before(const struct mailbox_new *items, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (text_equal(items[i].address_key, items[index].address_key))
            return true;
    return false;
}

/* The items of the request, or NULL: answered 422. */
static struct mailbox_new *items_of(struct request *request, const json_t *many, size_t *count)
{
    struct faults faults = { .count = 0 };
    *count = many == NULL ? 1 : json_array_size(many);
    struct mailbox_new *items = arena_make_array(request->arena, struct mailbox_new, *count);
    for (size_t i = 0; i < *count; i++) {
        const json_t *json = many == NULL ? request->body : json_array_get(many, i);
        struct text at = many == NULL ? TEXT("") : text_format(request->arena, "/mailboxes/%zu", i);
        size_t before = faults.count;
        check_times(request, json, at, &faults);
        if (faults.count > before)
            continue;
        items[i] = new_of(request, json);
        if (stands_before(items, i))
            fault(request, &faults, at, "address", "twice", "This address stands in the request already.");
    }
    if (faults.count == 0)
        return items;
    request_refuse_faults(request, &faults);
    return NULL;
}

static void refuse_make(struct request *request, const struct mailboxes_make *make, bool many)
{
    struct text at = many ? text_format(request->arena, "/mailboxes/%zu", make->index) : TEXT("");
    const char *pointer = text_terminated(request->arena, text_join(request->arena, at, TEXT("/address")));
    switch (make->word) { /* no default: a new word must not compile unexplained */
    case MAILBOXES_MADE: break;
    case MAILBOXES_CUSTOMER_SUSPENDED:
        request_refuse(request, PROBLEM_CUSTOMER_SUSPENDED, "The customer is suspended or closed.");
        return;
    case MAILBOXES_ADDRESS_TAKEN:
        request_refuse_field(request, PROBLEM_ADDRESS_TAKEN, pointer, "taken",
                             "The customer has a mailbox of this address.");
        return;
    case MAILBOXES_POOL_UNKNOWN:
        pointer = text_terminated(request->arena, text_join(request->arena, at, TEXT("/pool_id")));
        request_refuse_field(request, PROBLEM_VALIDATION, pointer, "unknown", "The customer has no such pool.");
        return;
    case MAILBOXES_DOMAIN_UNKNOWN:
        request_refuse_field(request, PROBLEM_VALIDATION, pointer, "domain-unknown",
                             "Add the domain first: POST /v1/domains.");
        return;
    }
    unreachable("mailboxes that were made are no problem");
}

/* All of them in one read, answered in the order of the request. */
static json_t *read_made(struct request *request, const struct mailboxes_make *make)
{
    struct transaction *transaction = request->act.transaction;
    struct uuid *ids = arena_make_array(request->arena, struct uuid, make->count);
    for (size_t i = 0; i < make->count; i++)
        ids[i] = make->items[i].mailbox;
    size_t asked = mailboxes_read_ask(transaction, &(struct mailboxes_read){ .customer = request->customer,
                                                                             .mailboxes = { ids, make->count },
                                                                             .before = page_newest,
                                                                             .wanted = (int64_t)make->count,
                                                                             .now = request->now });
    if (!request_read(request))
        return NULL;
    size_t count = mailboxes_read_count(transaction, asked);
    struct mailboxes_read_row *rows = arena_make_array(request->arena, struct mailboxes_read_row, count);
    for (size_t n = 0; n < count; n++) /* each once: taking a row apart is what costs */
        rows[n] = mailboxes_read_get(transaction, asked, n);
    json_t *data = json_array();
    for (size_t i = 0; i < make->count; i++)
        for (size_t n = 0; n < count; n++)
            if (uuid_equal(rows[n].mailbox_id, ids[i]))
                json_array_append_new(data, mailbox_json(request, &rows[n]));
    return data;
}

void mailboxes_create(struct request *request)
{
    const json_t *many = json_object_get(request->body, "mailboxes");
    struct mailboxes_make make = { .count = 0 };
    make.items = items_of(request, many, &make.count);
    if (make.items == NULL || !mailboxes_make_call(request, &make))
        return;
    if (make.word != MAILBOXES_MADE) {
        refuse_make(request, &make, many != NULL);
        return;
    }
    json_t *data = read_made(request, &make);
    if (data == NULL)
        return;
    if (many != NULL) {
        request_answer(request, 201, json_pack("{s:o}", "data", data));
        return;
    }
    request_location(request, "/v1/mailboxes/%.*s",
                     TEXT_ARG(id_text(request->arena, ID_MAILBOX, make.items[0].mailbox)));
    request_answer_one(request, 201, json_incref(json_array_get(data, 0)));
    json_decref(data);
}

/* ---- change, close ---- */

static bool answer_word(struct request *request, enum mailbox_word word)
{
    switch (word) { /* no default: a new word must not compile unexplained */
    case MAILBOX_CHANGED: return true;
    case MAILBOX_UNKNOWN: request_not_found(request); return false;
    case MAILBOX_CLOSED:
        request_refuse(request, PROBLEM_MAILBOX_PAUSED, "The mailbox is closed; POST its address to open it again.");
        return false;
    case MAILBOX_POOL_UNKNOWN:
        request_refuse_field(request, PROBLEM_VALIDATION, "/pool_id", "unknown", "The customer has no such pool.");
        return false;
    }
    unreachable("each word is answered");
}

static enum mailbox_state state_of(struct text state)
{
    if (text_is_none(state))
        return MAILBOX_AS_IT_IS;
    return text_equal(state, TEXT("paused")) ? MAILBOX_PAUSED : MAILBOX_ACTIVE;
}

void mailboxes_patch(struct request *request)
{
    const json_t *body = request->body, *window = json_object_get(body, "window");
    struct mailbox_change change = { .mailbox = request_id_in_path(request, ID_MAILBOX) };
    struct faults faults = { .count = 0 };
    check_times(request, body, TEXT(""), &faults);
    if (faults.count > 0) {
        request_refuse_faults(request, &faults);
        return;
    }
    (void)mailbox_lock_ask(request->act.transaction, &(struct mailbox_lock){ request->customer, change.mailbox });
    json_t *now = read_one(request, request->act.transaction, change.mailbox);
    if (now == NULL)
        return;
    bool matches = request_matches(request, now);
    json_decref(now);
    if (!matches)
        return;
    change.display_name = body_text(body, "display_name");
    change.pool = body_id(body, "pool_id", ID_POOL);
    change.time_zone = body_text(body, "time_zone");
    change.daily_cap = (int16_t)body_number(body, "daily_cap", 0);
    change.state = state_of(body_text(body, "state"));
    if (window != NULL)
        change.window = window_of(window);
    if (!mailbox_change_call(request, &change) || !answer_word(request, change.word))
        return;
    json_t *json = read_one(request, request->act.transaction, change.mailbox);
    if (json != NULL)
        request_answer_one(request, 200, json);
}

void mailboxes_close(struct request *request)
{
    struct mailbox_close close = { .mailbox = request_id_in_path(request, ID_MAILBOX) };
    if (!mailbox_close_call(request, &close))
        return;
    if (close.word == MAILBOX_UNKNOWN)
        request_not_found(request);
    else
        request_answer(request, 204, NULL);
}
