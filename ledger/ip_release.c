#include "ledger/event.h"
#include "ledger/ip.h"
#include "ledger/moving.h"
#include "ledger/ordinals.h"

#include "ledger_statements.h"

struct releasing {
    struct ip_release *release;
    struct act_step step;
    struct ordinals ordinals;
    struct moving moving;
    struct uuid pool;
    struct uuid *mailboxes;
    size_t mailbox_count, asked;
};

static void release_end(struct ip_release *release, enum ip_word word)
{
    release->word = word;
    release->done(release);
}

static void release_look(struct act *act, struct releasing *work);

/* ---- 3: its mailboxes go to the pool's IP with the fewest, a thousand at a time ---- */

static void release_moved(struct moving *moving)
{
    release_look(moving->step.act, container_of(moving, struct releasing, moving));
}

static void release_placed(struct ordinals *ordinals)
{
    struct releasing *work = container_of(ordinals, struct releasing, ordinals);
    struct act *act = ordinals->step.act;
    struct move *moves = arena_make_array(act->arena, struct move, work->mailbox_count);
    for (size_t i = 0; i < work->mailbox_count; i++) {
        moves[i] = (struct move){ .mailbox = work->mailboxes[i], .pool = work->pool, .ordinal = INT64_MIN };
        if (!ordinals_give(ordinals, work->pool, &moves[i].ip, &moves[i].ordinal))
            moves[i].ip = UUID_NIL;
    }
    ordinals_write(act, ordinals);
    work->moving = (struct moving){ .moves = moves, .count = work->mailbox_count, .done = release_moved };
    moving_start(act, &work->moving);
}

static void release_heard(struct act_step *step)
{
    struct releasing *work = container_of(step, struct releasing, step);
    struct act *act = step->act;
    work->mailbox_count = mailboxes_on_ip_count(act->transaction, work->asked);
    if (work->mailbox_count == 0) {
        release_end(work->release, IP_DONE);
        return;
    }
    work->mailboxes = arena_make_array(act->arena, struct uuid, work->mailbox_count);
    for (size_t i = 0; i < work->mailbox_count; i++)
        work->mailboxes[i] = mailboxes_on_ip_get(act->transaction, work->asked, i).mailbox_id;
    work->ordinals = (struct ordinals){
        .pools = &work->pool,
        .pool_count = 1,
        .places = work->mailbox_count,
        .besides = work->release->ip,
        .done = release_placed,
    };
    ordinals_start(act, &work->ordinals);
}

static void release_look(struct act *act, struct releasing *work)
{
    work->asked = mailboxes_on_ip_ask(act->transaction, &(struct mailboxes_on_ip){ act->customer, work->release->ip });
    act_read(act, &work->step, release_heard);
}

/* ---- 2: the lane is halted first ---- */

static void release_halted(struct act_step *step)
{
    struct releasing *work = container_of(step, struct releasing, step);
    struct act *act = step->act;
    struct uuid ip = work->release->ip;
    if (lane_release_count(act->transaction, work->asked) == 0) {
        release_end(work->release, IP_UNKNOWN);
        return;
    }
    assignment_end_ask(act->transaction, &(struct assignment_end){ act->customer, ip, act->now });
    ip_state_ask(act->transaction, &(struct ip_state){ ip, TEXT("quarantined"), work->release->available_at });
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "ip_id", ID_IP, ip);
    event_add(act, "ip.released", UUID_NIL, event_data_end(&data));
    release_look(act, work);
}

/* ---- 1: the pool is held before the lane, as everywhere ---- */

static void release_found(struct act_step *step)
{
    struct releasing *work = container_of(step, struct releasing, step);
    struct act *act = step->act;
    if (lane_find_count(act->transaction, work->asked) == 0) {
        release_end(work->release, IP_UNKNOWN);
        return;
    }
    work->pool = lane_find_get(act->transaction, work->asked, 0).pool_id;
    pools_hold_ask(act->transaction, &(struct pools_hold){ act->customer, { &work->pool, 1 }, false });
    work->asked =
        lane_release_ask(act->transaction, &(struct lane_release){ act->customer, work->release->ip, act->now });
    act_read(act, step, release_halted);
}

void ip_release(struct act *act, struct ip_release *release)
{
    struct releasing *work = arena_make(act->arena, struct releasing);
    work->release = release;
    work->asked = lane_find_ask(act->transaction, &(struct lane_find){ act->customer, release->ip });
    act_read(act, &work->step, release_found);
}
