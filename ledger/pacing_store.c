#include "ledger/pacing_store.h"

#include "ledger/event.h"
#include "ledger/pacing_write.h"

#include "ledger_statements.h"

static void pacing_save_row(struct act *act, struct uuid ip, const struct pacing_row *row)
{
    receiver_state_save_ask(act->transaction, &(struct receiver_state_save){
                                                  .customer = act->customer,
                                                  .ip = ip,
                                                  .receiver = row->receiver,
                                                  .connection_limit = row->pacing.limit,
                                                  .connections = row->connections,
                                                  .probing = row->pacing.probing,
                                                  .failures_in_row = row->pacing.failures_in_row,
                                                  .successes_in_row = row->pacing.successes_in_row,
                                                  .doublings = row->pacing.doublings,
                                                  .hold_until = row->pacing.hold_until,
                                                  .updated_at = row->updated_at,
                                              });
}

static void pacing_tell_hold(struct act *act, struct uuid ip, const struct pacing_row *row)
{
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "ip_id", ID_IP, ip);
    event_data_text(&data, "receiver", row->receiver);
    event_data_instant(&data, "hold_until", row->pacing.hold_until);
    event_data_number(&data, "failures_in_row", row->pacing.failures_in_row);
    event_add(act, "ip.held", UUID_NIL, event_data_end(&data));
}

size_t pacing_write_ask(struct act *act, struct uuid ip, struct text receiver)
{
    return receiver_hold_ask(act->transaction, &(struct receiver_hold){ act->customer, ip, receiver });
}

void pacing_write(struct act *act, struct uuid ip, const struct pacing_row *row, size_t asked)
{
    struct instant hold = row->pacing.hold_until, before = INSTANT_NONE;
    if (receiver_hold_count(act->transaction, asked) == 1)
        before = receiver_hold_get(act->transaction, asked, 0).hold_until;
    if (instant_before(act->now, hold) && hold.us != before.us)
        pacing_tell_hold(act, ip, row);
    pacing_save_row(act, ip, row);
}

static void save_ended(struct act *act, const struct pg_end *end)
{
    struct pacing_save *save = container_of(act, struct pacing_save, act);
    save->word = end->word == PG_COMMITTED ? PACING_STORE_DONE : PACING_STORE_AGAIN;
    save->told(save);
}

static void save_heard(struct act_step *step)
{
    struct pacing_save *save = container_of(step, struct pacing_save, step);
    pacing_write(step->act, save->ip, &save->row, save->asked);
    act_commit(step->act);
}

void pacing_save(struct ledger *ledger, struct pacing_save *save)
{
    act_begin(&save->act, ledger, save->customer, save_ended);
    save->asked = pacing_write_ask(&save->act, save->ip, save->row.receiver);
    act_read(&save->act, &save->step, save_heard);
}

static uint16_t small(int32_t number)
{
    return (uint16_t)MIN_OF(MAX_OF(number, 0), UINT16_MAX);
}

static void load_rows(struct pacing_load *load)
{
    load->count = receiver_states_load_count(load->act.transaction, load->asked);
    load->rows = arena_make_array(load->act.arena, struct pacing_row, load->count);
    for (size_t i = 0; i < load->count; i++) {
        struct receiver_states_load_row row = receiver_states_load_get(load->act.transaction, load->asked, i);
        load->rows[i] = (struct pacing_row){
            .receiver = row.receiver,
            .pacing = {
                .limit = (uint8_t)MIN_OF(row.connection_limit, UINT8_MAX),
                .probing = row.probing,
                .failures_in_row = small(row.failures_in_row),
                .successes_in_row = small(row.successes_in_row),
                .doublings = small(row.doublings),
                .hold_until = row.hold_until,
            },
            .connections = row.connections,
            .updated_at = row.updated_at,
        };
    }
}

static void load_ended(struct act *act, const struct pg_end *end)
{
    struct pacing_load *load = container_of(act, struct pacing_load, act);
    load->word = end->word == PG_COMMITTED ? PACING_STORE_DONE : PACING_STORE_AGAIN;
    if (load->word == PACING_STORE_DONE)
        load_rows(load);
    load->told(load);
}

void pacing_load(struct ledger *ledger, struct pacing_load *load)
{
    load->rows = NULL;
    load->count = 0;
    act_begin(&load->act, ledger, load->customer, load_ended);
    load->asked =
        receiver_states_load_ask(load->act.transaction, &(struct receiver_states_load){ load->customer, load->ip });
    act_commit(&load->act);
}

static void release_heard(struct act_step *step)
{
    struct pacing_release *release = container_of(step, struct pacing_release, step);
    release->found = receiver_state_release_count(step->act->transaction, release->asked) == 1;
    release->done(release);
}

void pacing_release_hold(struct act *act, struct pacing_release *release)
{
    release->asked = receiver_state_release_ask(
        act->transaction, &(struct receiver_state_release){ act->customer, release->ip, release->receiver, act->now });
    act_read(act, &release->step, release_heard);
}
