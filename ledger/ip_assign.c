#include "ledger/booking_list.h"
#include "ledger/event.h"
#include "ledger/ip.h"
#include "ledger/moving.h"
#include "ledger/ordinals.h"

#include "ledger_statements.h"

enum { BOOKED_AT_ONCE = 100 }; /* of what waited for an IP; jobs books the rest within seconds */

struct assigning {
    struct ip_assign *assign;
    struct act_step step;
    struct ordinals ordinals;
    struct moving moving;
    struct booking_list list;
    struct uuid pool;
    struct uuid *mailboxes;
    size_t mailbox_count, customer, pools, ip, asked;
};

static void assign_end(struct ip_assign *assign, enum ip_word word)
{
    assign->word = word;
    assign->done(assign);
}

/* ---- 4: what waited for an IP ---- */

static void assign_booked(struct booking_list *list)
{
    assign_end(container_of(list, struct assigning, list)->assign, IP_DONE);
}

static void assign_waiting(struct act_step *step)
{
    struct assigning *work = container_of(step, struct assigning, step);
    struct act *act = step->act;
    size_t count = MIN_OF(messages_of_mailboxes_count(act->transaction, work->asked), (size_t)BOOKED_AT_ONCE);
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = messages_of_mailboxes_get(act->transaction, work->asked, i).message_id;
    work->list = (struct booking_list){ .messages = messages, .count = count, .done = assign_booked };
    booking_list_start(act, &work->list);
}

static void assign_moved(struct moving *moving)
{
    static const struct text accepted[] = { { "accepted", 8 } };
    struct assigning *work = container_of(moving, struct assigning, moving);
    struct act *act = moving->step.act;
    work->asked = messages_of_mailboxes_ask(
        act->transaction, &(struct messages_of_mailboxes){
                              act->customer, { work->mailboxes, work->mailbox_count }, { accepted, 1 }, UUID_NIL });
    act_read(act, &work->step, assign_waiting);
}

/* ---- 3: mailboxes of the pool that have none are taken in ---- */

static void assign_placed(struct ordinals *ordinals)
{
    struct assigning *work = container_of(ordinals, struct assigning, ordinals);
    struct act *act = ordinals->step.act;
    struct move *moves = arena_make_array(act->arena, struct move, work->mailbox_count);
    for (size_t i = 0; i < work->mailbox_count; i++) {
        moves[i] = (struct move){ .mailbox = work->mailboxes[i], .pool = work->pool };
        if (!ordinals_give(ordinals, work->pool, &moves[i].ip, &moves[i].ordinal))
            unreachable("the pool has just got an IP");
    }
    ordinals_write(act, ordinals);
    work->moving = (struct moving){ .moves = moves, .count = work->mailbox_count, .done = assign_moved };
    moving_start(act, &work->moving);
}

static void assign_homeless(struct act_step *step)
{
    struct assigning *work = container_of(step, struct assigning, step);
    struct act *act = step->act;
    work->mailbox_count = mailboxes_without_ip_count(act->transaction, work->asked);
    work->assign->mailboxes = work->mailbox_count;
    if (work->mailbox_count == 0) {
        assign_end(work->assign, IP_DONE);
        return;
    }
    work->mailboxes = arena_make_array(act->arena, struct uuid, work->mailbox_count);
    for (size_t i = 0; i < work->mailbox_count; i++)
        work->mailboxes[i] = mailboxes_without_ip_get(act->transaction, work->asked, i).mailbox_id;
    work->ordinals = (struct ordinals){
        .pools = &work->pool,
        .pool_count = 1,
        .places = work->mailbox_count,
        .done = assign_placed,
    };
    ordinals_start(act, &work->ordinals);
}

/* ---- 2: the lane, halted by what holds already ---- */

static void assign_lane(struct act *act, const struct assigning *work, bool paused, bool suspended)
{
    struct uuid ip = work->assign->ip;
    struct text halted[2];
    size_t count = 0;
    if (paused)
        halted[count++] = TEXT("ip_paused");
    if (suspended)
        halted[count++] = TEXT("customer_suspended");
    lane_open_ask(act->transaction, &(struct lane_open){ act->customer, ip, work->pool, { halted, count }, act->now });
    ordinals_given_ask(act->transaction, &(struct ordinals_given){ act->customer, ip, 0 });
}

static void assign_write(struct act *act, struct assigning *work, bool paused, bool suspended)
{
    struct uuid ip = work->assign->ip;
    assign_lane(act, work, paused, suspended);
    assignment_insert_ask(act->transaction, &(struct assignment_insert){ act_id(act), act->customer, ip, act->now });
    ip_state_ask(act->transaction, &(struct ip_state){ ip, TEXT("assigned"), INSTANT_NONE });
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "ip_id", ID_IP, ip);
    event_data_id(&data, "pool_id", ID_POOL, work->pool);
    event_add(act, "ip.assigned", UUID_NIL, event_data_end(&data));
    work->asked =
        mailboxes_without_ip_ask(act->transaction, &(struct mailboxes_without_ip){ act->customer, work->pool });
    act_read(act, &work->step, assign_homeless);
}

/* ---- 1: may it be? ---- */

static bool ip_is_available(const struct ip_hold_row *ip, struct instant now)
{
    return text_equal(ip->state, TEXT("available")) ||
           (text_equal(ip->state, TEXT("quarantined")) && !instant_before(now, ip->available_at));
}

static void assign_heard(struct act_step *step)
{
    struct assigning *work = container_of(step, struct assigning, step);
    struct act *act = step->act;
    if (ip_hold_count(act->transaction, work->ip) == 0) {
        assign_end(work->assign, IP_UNKNOWN);
        return;
    }
    struct ip_hold_row ip = ip_hold_get(act->transaction, work->ip, 0);
    bool known = customer_share_count(act->transaction, work->customer) == 1;
    struct text state = known ? customer_share_get(act->transaction, work->customer, 0).state : TEXT("closed");
    if (text_equal(state, TEXT("closed"))) {
        assign_end(work->assign, IP_CUSTOMER_SUSPENDED);
    } else if (!ip_is_available(&ip, act->now)) {
        assign_end(work->assign, IP_UNAVAILABLE);
    } else if (pools_hold_count(act->transaction, work->pools) == 0) {
        assign_end(work->assign, IP_POOL_UNKNOWN);
    } else {
        work->pool = pools_hold_get(act->transaction, work->pools, 0).pool_id;
        assign_write(act, work, ip.paused, text_equal(state, TEXT("suspended")));
    }
}

void ip_assign(struct act *act, struct ip_assign *assign)
{
    struct assigning *work = arena_make(act->arena, struct assigning);
    bool default_pool = uuid_is_nil(assign->pool);
    work->assign = assign;
    assign->mailboxes = 0;
    work->customer = customer_share_ask(act->transaction, &(struct customer_share){ act->customer });
    work->pools = pools_hold_ask(
        act->transaction, &(struct pools_hold){ act->customer, { &assign->pool, default_pool ? 0 : 1 }, default_pool });
    work->ip = ip_hold_ask(act->transaction, &(struct ip_hold){ assign->ip });
    act_read(act, &work->step, assign_heard);
}
