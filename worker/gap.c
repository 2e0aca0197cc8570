#include "worker/gap.h"

#include "worker_statements.h"

struct gap_share {
    struct window window;
    const struct zone *zone;
    uint8_t cap;
    size_t mailboxes;
};

void gap_init(struct gap *gap, struct worker *worker, struct uuid customer, struct uuid ip)
{
    *gap = (struct gap){ .worker = worker, .customer = customer, .ip = ip, .arena = arena_new() };
}

void gap_end(struct gap *gap)
{
    assert(!gap->reading);
    arena_free(&gap->arena);
}

bool gap_is_reading(const struct gap *gap)
{
    return gap->reading;
}

static struct gap_share share_of(struct gap *gap, const struct lane_shares_row *row)
{
    return (struct gap_share){
        .window = { .days = (uint8_t)row->window_days,
                    .start_minute = (uint16_t)row->window_start_min,
                    .end_minute = (uint16_t)row->window_end_min },
        .zone = zones_find(gap->worker->ledger->zones, row->time_zone, clock_tick()),
        .cap = (uint8_t)row->daily_cap,
        .mailboxes = (size_t)row->mailboxes,
    };
}

static void gap_heard(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct gap *gap = container_of(wait, struct gap, wait);
    gap->reading = false;
    if (end->word != PG_COMMITTED)
        return;
    arena_free(&gap->arena);
    gap->arena = arena_new();
    gap->known = true;
    gap->mailboxes = gap->share_count = 0;
    size_t rows = lane_shares_count(transaction, gap->asked);
    gap->shares = arena_make_array(gap->arena, struct gap_share, rows);
    for (size_t i = 0; i < rows; i++) {
        struct lane_shares_row row = lane_shares_get(transaction, gap->asked, i);
        struct gap_share share = share_of(gap, &row);
        if (share.zone == NULL)
            continue;
        gap->shares[gap->share_count++] = share;
        gap->mailboxes += share.mailboxes;
    }
}

void gap_read(struct gap *gap)
{
    if (gap->reading)
        return;
    gap->reading = true;
    gap->wait.ended = gap_heard;
    struct transaction *transaction = transaction_new_reading(gap->worker->pg, gap->customer, &gap->wait);
    gap->asked = lane_shares_ask(transaction, &(struct lane_shares){ .customer = gap->customer, .ip = gap->ip });
    transaction_commit(transaction);
}

int64_t gap_min_us(const struct gap *gap, struct instant now)
{
    if (!gap->known)
        return US_PER_DAY;
    struct arena *arena = arena_new();
    struct spacing_share *open = arena_make_array(arena, struct spacing_share, gap->mailboxes);
    size_t count = 0;
    for (size_t i = 0; i < gap->share_count; i++) {
        const struct gap_share *share = &gap->shares[i];
        struct span span;
        if (!window_open_at(&share->window, share->zone, now, &span))
            continue;
        for (size_t k = 0; k < share->mailboxes; k++)
            open[count++] = (struct spacing_share){ share->cap, span };
    }
    int64_t gap_us = spacing_gap_min_us(open, count, now);
    arena_free(&arena);
    return gap_us;
}
