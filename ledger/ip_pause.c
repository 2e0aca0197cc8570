#include "ledger/event.h"
#include "ledger/ip.h"

#include "ledger_statements.h"

struct pausing {
    struct ip_pause *pause;
    struct act_step step;
    size_t ip, lane;
};

static void pause_end(struct ip_pause *pause, enum ip_word word)
{
    pause->word = word;
    pause->done(pause);
}

static bool pause_has_lane(struct act *act, const struct pausing *work)
{
    if (uuid_is_nil(act->customer))
        return true;
    return (work->pause->paused ? lane_halt_count(act->transaction, work->lane)
                                : lane_unhalt_count(act->transaction, work->lane)) == 1;
}

static void pause_heard(struct act_step *step)
{
    struct pausing *work = container_of(step, struct pausing, step);
    struct act *act = step->act;
    if (ip_paused_count(act->transaction, work->ip) == 0 || !pause_has_lane(act, work)) {
        pause_end(work->pause, IP_UNKNOWN);
        return;
    }
    if (work->pause->paused && !uuid_is_nil(act->customer)) {
        struct event_data data = event_data_new(act->arena);
        event_data_id(&data, "ip_id", ID_IP, work->pause->ip);
        event_add(act, "ip.paused", UUID_NIL, event_data_end(&data));
    }
    pause_end(work->pause, IP_DONE);
}

void ip_pause(struct act *act, struct ip_pause *pause)
{
    static const struct text word = { "ip_paused", 9 };
    struct pausing *work = arena_make(act->arena, struct pausing);
    work->pause = pause;
    work->ip = ip_paused_ask(act->transaction, &(struct ip_paused){ pause->ip, pause->paused });
    if (!uuid_is_nil(act->customer))
        work->lane = pause->paused
                         ? lane_halt_ask(act->transaction, &(struct lane_halt){ act->customer, pause->ip, word })
                         : lane_unhalt_ask(act->transaction, &(struct lane_unhalt){ act->customer, pause->ip, word });
    act_read(act, &work->step, pause_heard);
}
