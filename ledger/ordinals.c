#include "ledger/ordinals.h"

#include "ledger_statements.h"

static struct ordinals_ip *ordinals_find(struct ordinals *ordinals, struct uuid ip)
{
    for (size_t i = 0; i < ordinals->ip_count; i++)
        if (uuid_equal(ordinals->ips[i].ip, ip))
            return &ordinals->ips[i];
    return NULL;
}

static void ordinals_read_ips(struct ordinals *ordinals)
{
    struct act *act = ordinals->step.act;
    size_t count = pools_ips_count(act->transaction, ordinals->asked);
    ordinals->ips = arena_make_array(act->arena, struct ordinals_ip, count);
    for (size_t i = 0; i < count; i++) {
        struct pools_ips_row row = pools_ips_get(act->transaction, ordinals->asked, i);
        if (uuid_equal(row.ip_id, ordinals->besides))
            continue;
        struct ordinals_ip *ip = &ordinals->ips[ordinals->ip_count++];
        *ip =
            (struct ordinals_ip){ .pool = row.pool_id, .ip = row.ip_id, .given = row.given, .given_before = row.given };
        ip->used = arena_make_array(act->arena, bool, size_add((size_t)row.given, ordinals->places));
    }
}

static void ordinals_heard(struct act_step *step)
{
    struct ordinals *ordinals = container_of(step, struct ordinals, step);
    ordinals_read_ips(ordinals);
    size_t count = ordinals_used_count(step->act->transaction, ordinals->used);
    for (size_t i = 0; i < count; i++) {
        struct ordinals_used_row row = ordinals_used_get(step->act->transaction, ordinals->used, i);
        struct ordinals_ip *ip = ordinals_find(ordinals, row.ip_id);
        if (ip == NULL)
            continue;
        assert(row.ordinal < ip->given);
        ip->used[row.ordinal] = true;
        ip->mailboxes++;
    }
    ordinals->done(ordinals);
}

void ordinals_start(struct act *act, struct ordinals *ordinals)
{
    struct uuids pools = { ordinals->pools, ordinals->pool_count };
    ordinals->ip_count = 0;
    ordinals->asked = pools_ips_ask(act->transaction, &(struct pools_ips){ act->customer, pools });
    ordinals->used = ordinals_used_ask(act->transaction, &(struct ordinals_used){ act->customer, pools });
    act_read(act, &ordinals->step, ordinals_heard);
}

bool ordinals_give(struct ordinals *ordinals, struct uuid pool, struct uuid *ip, int64_t *ordinal)
{
    struct ordinals_ip *fewest = NULL;
    for (size_t i = 0; i < ordinals->ip_count; i++) {
        struct ordinals_ip *other = &ordinals->ips[i];
        if (uuid_equal(other->pool, pool) && (fewest == NULL || other->mailboxes < fewest->mailboxes))
            fewest = other;
    }
    if (fewest == NULL)
        return false;
    int64_t place = 0;
    while (place < fewest->given && fewest->used[place])
        place++;
    fewest->given = MAX_OF(fewest->given, place + 1);
    fewest->used[place] = true;
    fewest->mailboxes++;
    *ip = fewest->ip;
    *ordinal = place;
    return true;
}

static int64_t power_of_two_from(int64_t number)
{
    int64_t power = 1;
    while (power < number)
        power *= 2;
    return power;
}

void ordinals_write(struct act *act, const struct ordinals *ordinals)
{
    for (size_t i = 0; i < ordinals->ip_count; i++) {
        const struct ordinals_ip *ip = &ordinals->ips[i];
        if (ip->given == ip->given_before)
            continue;
        ordinals_given_ask(act->transaction, &(struct ordinals_given){ act->customer, ip->ip, ip->given });
        if (power_of_two_from(ip->given) == power_of_two_from(ip->given_before))
            continue;
        mailboxes_raise_of_ip_ask(act->transaction, &(struct mailboxes_raise_of_ip){ act->customer, ip->ip });
        openings_delete_of_ip_ask(act->transaction, &(struct openings_delete_of_ip){ act->customer, ip->ip });
    }
}
