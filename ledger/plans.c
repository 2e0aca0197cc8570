#include "ledger/plans.h"

#include "ledger/zones.h"

#include "ledger_statements.h"

bool plan_is_usable(const struct mailbox_plan *plan)
{
    return plan->state == PLAN_ACTIVE && plan->customer == PLAN_CUSTOMER_ACTIVE && plan->domain_ready &&
           !uuid_is_nil(plan->ip) && plan->rules.zone != NULL;
}

size_t plans_ask(struct act *act, const struct uuid *mailboxes, size_t count)
{
    return mailboxes_plan_ask(act->transaction, &(struct mailboxes_plan){ act->customer, { mailboxes, count } });
}

size_t plans_count(struct act *act, size_t asked)
{
    return mailboxes_plan_count(act->transaction, asked);
}

struct mailbox_plan plans_get(struct act *act, size_t asked, size_t row)
{
    struct mailboxes_plan_row read = mailboxes_plan_get(act->transaction, asked, row);
    struct mailbox_plan plan = {
        .mailbox = read.mailbox_id,
        .pool = read.pool_id,
        .ip = read.ip_id,
        .state = text_equal(read.state, TEXT("active"))   ? PLAN_ACTIVE
                 : text_equal(read.state, TEXT("paused")) ? PLAN_PAUSED
                                                          : PLAN_CLOSED,
        .customer = text_equal(read.customer_state, TEXT("active"))      ? PLAN_CUSTOMER_ACTIVE
                    : text_equal(read.customer_state, TEXT("suspended")) ? PLAN_CUSTOMER_SUSPENDED
                                                                         : PLAN_CUSTOMER_CLOSED,
        .domain_ready = read.domain_ready,
        .version = read.plan_version,
        .laid_until = read.laid_until,
        .rules = {
            .zone = zones_find(act->ledger->zones, read.time_zone, clock_tick()),
            .window = { (uint8_t)read.window_days, (uint16_t)read.window_start_min, (uint16_t)read.window_end_min },
            .ip = read.ip_id,
            .ordinal = read.ordinal < 0 ? 0 : (uint32_t)read.ordinal,
            .ordinals = (uint32_t)read.ordinals,
            .cap = (uint8_t)read.daily_cap,
        },
    };
    return plan;
}

size_t taken_ask(struct act *act, struct uuid mailbox)
{
    int32_t today = (int32_t)(act->now.us / US_PER_DAY);
    struct slots_taken days = { act->customer, mailbox, { today - 2 }, { today + BOUND_SLOT_HORIZON_DAYS + 2 } };
    return slots_taken_ask(act->transaction, &days);
}

struct booking_taken *taken_get(struct act *act, size_t asked, size_t *count)
{
    *count = slots_taken_count(act->transaction, asked);
    struct booking_taken *taken = arena_make_array(act->arena, struct booking_taken, *count);
    for (size_t i = 0; i < *count; i++) {
        struct slots_taken_row row = slots_taken_get(act->transaction, asked, i);
        taken[i] = (struct booking_taken){
            .day = row.local_day,
            .day_span = { row.day_from, row.day_until },
            .number = (uint8_t)row.number,
        };
    }
    return taken;
}
