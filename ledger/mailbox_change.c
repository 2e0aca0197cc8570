#include "ledger/booking_list.h"
#include "ledger/event.h"
#include "ledger/laying.h"
#include "ledger/mailbox.h"
#include "ledger/moving.h"
#include "ledger/ordinals.h"

#include "ledger_statements.h"

enum {
    LAID_DAYS = 7,
    BOOKED_AT_ONCE = 100, /* of what waited through a pause; jobs books the rest within seconds */
};

struct changing {
    struct mailbox_change *change;
    struct act_step step;
    struct ordinals ordinals;
    struct move move;
    struct moving moving;
    struct booking_list list;
    struct laying laying;
    size_t pools, held, asked;
    struct uuid pool; /* the one it goes to; UUID_NIL: it stays */
    int16_t cap;
    bool cap_lowered, paused, resumed;
};

static void change_end(struct changing *work, enum mailbox_word word)
{
    work->change->word = word;
    work->change->done(work->change);
}

/* ---- 6: openings of the new plan ---- */

static void change_laid(struct laying *laying)
{
    change_end(container_of(laying, struct changing, laying), MAILBOX_CHANGED);
}

static void change_lay(struct act *act, struct changing *work)
{
    work->laying = (struct laying){
        .mailboxes = &work->change->mailbox,
        .count = 1,
        .days = LAID_DAYS,
        .done = change_laid,
    };
    laying_start(act, &work->laying);
}

/* ---- 5: a pause is told, a resume books what waits ---- */

static void change_booked(struct booking_list *list)
{
    change_lay(list->act, container_of(list, struct changing, list));
}

static void change_waiting(struct act_step *step)
{
    struct changing *work = container_of(step, struct changing, step);
    struct act *act = step->act;
    size_t count = MIN_OF(messages_of_mailboxes_count(act->transaction, work->asked), (size_t)BOOKED_AT_ONCE);
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = messages_of_mailboxes_get(act->transaction, work->asked, i).message_id;
    work->list = (struct booking_list){ .messages = messages, .count = count, .done = change_booked };
    booking_list_start(act, &work->list);
}

static void change_resume(struct act *act, struct changing *work)
{
    static const struct text accepted[] = { { "accepted", 8 } };
    struct uuids mailbox = { &work->change->mailbox, 1 };
    messages_unpaused_ask(act->transaction, &(struct messages_unpaused){ act->customer, work->change->mailbox });
    work->asked = messages_of_mailboxes_ask(
        act->transaction, &(struct messages_of_mailboxes){ act->customer, mailbox, { accepted, 1 }, UUID_NIL });
    act_read(act, &work->step, change_waiting);
}

static void change_pause(struct act *act, struct changing *work)
{
    if (work->paused) {
        struct event_data data = event_data_new(act->arena);
        event_data_id(&data, "mailbox_id", ID_MAILBOX, work->change->mailbox);
        event_add(act, "mailbox.paused", UUID_NIL, event_data_end(&data));
        messages_paused_ask(act->transaction, &(struct messages_paused){ act->customer, work->change->mailbox });
    }
    if (work->resumed)
        change_resume(act, work);
    else
        change_lay(act, work);
}

/* ---- 4: what has no place under a lower cap ---- */

static void change_displaced(struct booking_list *list)
{
    change_pause(list->act, container_of(list, struct changing, list));
}

static void change_above(struct act_step *step)
{
    struct changing *work = container_of(step, struct changing, step);
    struct act *act = step->act;
    size_t count = slots_above_cap_count(act->transaction, work->asked);
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = slots_above_cap_get(act->transaction, work->asked, i).message_id;
    work->list = (struct booking_list){
        .messages = messages,
        .count = count,
        .displaced = true,
        .done = change_displaced,
    };
    booking_list_start(act, &work->list);
}

/* Holding the messages first waits for their authorizations: which dots a day has seen is known after that. */
static void change_cap(struct act *act, struct changing *work)
{
    static const struct text booked[] = { { "booked", 6 } };
    if (!work->cap_lowered) {
        change_pause(act, work);
        return;
    }
    struct uuids mailbox = { &work->change->mailbox, 1 };
    messages_of_mailboxes_ask(act->transaction,
                              &(struct messages_of_mailboxes){ act->customer, mailbox, { booked, 1 }, UUID_NIL });
    work->asked = slots_above_cap_ask(act->transaction,
                                      &(struct slots_above_cap){ act->customer, work->change->mailbox, work->cap });
    act_read(act, &work->step, change_above);
}

/* ---- 3: another pool, and so another IP ---- */

static void change_moved(struct moving *moving)
{
    change_cap(moving->step.act, container_of(moving, struct changing, moving));
}

static void change_placed(struct ordinals *ordinals)
{
    struct changing *work = container_of(ordinals, struct changing, ordinals);
    struct act *act = ordinals->step.act;
    work->move = (struct move){ .mailbox = work->change->mailbox, .pool = work->pool, .ordinal = INT64_MIN };
    if (!ordinals_give(ordinals, work->pool, &work->move.ip, &work->move.ordinal))
        work->move.ip = UUID_NIL;
    ordinals_write(act, ordinals);
    work->moving = (struct moving){ .moves = &work->move, .count = 1, .done = change_moved };
    moving_start(act, &work->moving);
}

static void change_move(struct act *act, struct changing *work)
{
    if (uuid_is_nil(work->pool)) {
        change_cap(act, work);
        return;
    }
    work->ordinals = (struct ordinals){ .pools = &work->pool, .pool_count = 1, .places = 1, .done = change_placed };
    ordinals_start(act, &work->ordinals);
}

/* ---- 2: the row ---- */

static bool change_window(struct mailbox_hold_row *row, const struct window *window)
{
    bool same = row->window_days == window->days && row->window_start_min == window->start_minute &&
                row->window_end_min == window->end_minute;
    if (window->days == 0 || same)
        return false;
    row->window_days = window->days;
    row->window_start_min = (int16_t)window->start_minute;
    row->window_end_min = (int16_t)window->end_minute;
    return true;
}

/* What the row becomes; true if its plan does not stand any more. */
static bool change_apply(struct changing *work, struct mailbox_hold_row *row)
{
    const struct mailbox_change *change = work->change;
    bool raised = change_window(row, &change->window);
    if (!text_is_none(change->display_name))
        row->display_name = change->display_name;
    if (!text_is_none(change->time_zone) && !text_equal(change->time_zone, row->time_zone)) {
        row->time_zone = change->time_zone;
        raised = true;
    }
    if (change->daily_cap != 0 && change->daily_cap != row->daily_cap) {
        work->cap_lowered = change->daily_cap < row->daily_cap;
        row->daily_cap = work->cap = change->daily_cap;
        raised = true;
    }
    bool is_paused = text_equal(row->state, TEXT("paused"));
    work->paused = change->state == MAILBOX_PAUSED && !is_paused;
    work->resumed = change->state == MAILBOX_ACTIVE && is_paused;
    if (work->paused || work->resumed)
        row->state = work->paused ? TEXT("paused") : TEXT("active");
    return raised || work->paused || work->resumed;
}

static void change_set(struct act *act, struct changing *work, struct mailbox_hold_row *row)
{
    bool raised = change_apply(work, row);
    mailbox_set_ask(act->transaction, &(struct mailbox_set){
                                          .customer = act->customer,
                                          .mailbox = work->change->mailbox,
                                          .display_name = row->display_name,
                                          .time_zone = row->time_zone,
                                          .window_days = row->window_days,
                                          .window_start_min = row->window_start_min,
                                          .window_end_min = row->window_end_min,
                                          .daily_cap = row->daily_cap,
                                          .state = row->state,
                                          .paused_at = act->now,
                                          .raised = raised,
                                      });
    if (raised)
        openings_delete_ask(act->transaction, &(struct openings_delete){ act->customer, work->change->mailbox });
    change_move(act, work);
}

/* ---- 1: held ---- */

static void change_heard(struct act_step *step)
{
    struct changing *work = container_of(step, struct changing, step);
    struct act *act = step->act;
    const struct mailbox_change *change = work->change;
    if (mailbox_hold_count(act->transaction, work->held) == 0) {
        change_end(work, MAILBOX_UNKNOWN);
        return;
    }
    struct mailbox_hold_row row = mailbox_hold_get(act->transaction, work->held, 0);
    if (text_equal(row.state, TEXT("closed"))) {
        change_end(work, MAILBOX_CLOSED);
        return;
    }
    if (!uuid_is_nil(change->pool) && pools_hold_count(act->transaction, work->pools) == 0) {
        change_end(work, MAILBOX_POOL_UNKNOWN);
        return;
    }
    work->pool = uuid_equal(change->pool, row.pool_id) ? UUID_NIL : change->pool;
    change_set(act, work, &row);
}

void mailbox_change(struct act *act, struct mailbox_change *change)
{
    struct changing *work = arena_make(act->arena, struct changing);
    work->change = change;
    if (!uuid_is_nil(change->pool))
        work->pools =
            pools_hold_ask(act->transaction, &(struct pools_hold){ act->customer, { &change->pool, 1 }, false });
    work->held = mailbox_hold_ask(act->transaction, &(struct mailbox_hold){ act->customer, change->mailbox });
    act_read(act, &work->step, change_heard);
}
