#include "ledger/event.h"
#include "ledger/laying.h"
#include "ledger/mailbox.h"
#include "ledger/ordinals.h"

#include "ledger_statements.h"

enum { LAID_DAYS = 7 }; /* so that what is free next can be told at once */

struct making {
    struct mailboxes_make *make;
    struct act_step step;
    struct ordinals ordinals;
    struct laying laying;
    struct uuid *pools;
    bool live;
    size_t facts, held, named, addressed;
};

/* One mailbox, as it will be written. */
struct made {
    const struct mailbox_new *item;
    struct uuid pool, domain, ip;
    int64_t ordinal;
    bool reopened;
};

static void make_end(struct making *work, enum mailboxes_word word, size_t index)
{
    work->make->word = word;
    work->make->index = index;
    work->make->done(work->make);
}

/* ---- 3: written ---- */

static void make_insert(struct act *act, const struct made *made)
{
    const struct mailbox_new *item = made->item;
    mailbox_insert_ask(act->transaction, &(struct mailbox_insert){
                                             .customer = act->customer,
                                             .mailbox = item->mailbox,
                                             .address = item->address,
                                             .address_key = item->address_key,
                                             .domain = made->domain,
                                             .display_name = item->display_name,
                                             .pool = made->pool,
                                             .ip = made->ip,
                                             .ordinal = made->ordinal,
                                             .time_zone = item->time_zone,
                                             .window_days = item->window.days,
                                             .window_start_min = (int16_t)item->window.start_minute,
                                             .window_end_min = (int16_t)item->window.end_minute,
                                             .daily_cap = item->daily_cap,
                                             .now = act->now,
                                         });
}

static void make_reopen(struct act *act, const struct made *made)
{
    const struct mailbox_new *item = made->item;
    mailbox_reopen_ask(act->transaction, &(struct mailbox_reopen){
                                             .customer = act->customer,
                                             .mailbox = item->mailbox,
                                             .address = item->address,
                                             .domain = made->domain,
                                             .display_name = item->display_name,
                                             .pool = made->pool,
                                             .ip = made->ip,
                                             .ordinal = made->ordinal,
                                             .time_zone = item->time_zone,
                                             .window_days = item->window.days,
                                             .window_start_min = (int16_t)item->window.start_minute,
                                             .window_end_min = (int16_t)item->window.end_minute,
                                             .daily_cap = item->daily_cap,
                                         });
}

static void make_write(struct act *act, const struct made *made)
{
    if (made->reopened)
        make_reopen(act, made);
    else
        make_insert(act, made);
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "mailbox_id", ID_MAILBOX, made->item->mailbox);
    event_data_text(&data, "address", made->item->address);
    event_data_id(&data, "ip_id", ID_IP, made->ip);
    event_add(act, "mailbox.created", UUID_NIL, event_data_end(&data));
}

static void make_laid(struct laying *laying)
{
    make_end(container_of(laying, struct making, laying), MAILBOXES_MADE, 0);
}

static void make_lay(struct act *act, struct making *work)
{
    struct uuid *mailboxes = arena_make_array(act->arena, struct uuid, work->make->count);
    for (size_t i = 0; i < work->make->count; i++)
        mailboxes[i] = work->make->items[i].mailbox;
    work->laying = (struct laying){
        .mailboxes = mailboxes,
        .count = work->make->count,
        .days = LAID_DAYS,
        .done = make_laid,
    };
    laying_start(act, &work->laying);
}

/* ---- 2: each item finds its row, domain, pool and place ---- */

static bool make_pool(struct act *act, const struct making *work, struct made *made)
{
    size_t count = pools_hold_count(act->transaction, work->held);
    for (size_t i = 0; i < count; i++) {
        struct pools_hold_row row = pools_hold_get(act->transaction, work->held, i);
        if (uuid_is_nil(made->item->pool) ? row.is_default : uuid_equal(row.pool_id, made->item->pool)) {
            made->pool = row.pool_id;
            return true;
        }
    }
    return false;
}

/* False: the address is in use. */
static bool make_address(struct act *act, const struct making *work, struct mailbox_new *item, struct made *made)
{
    size_t count = mailboxes_addressed_count(act->transaction, work->addressed);
    for (size_t i = 0; i < count; i++) {
        struct mailboxes_addressed_row row = mailboxes_addressed_get(act->transaction, work->addressed, i);
        if (!text_equal(row.address_key, item->address_key))
            continue;
        item->mailbox = row.mailbox_id;
        made->reopened = true;
        return row.closed;
    }
    return true;
}

static bool make_known_domain(struct act *act, const struct making *work, struct made *made)
{
    size_t count = domains_named_count(act->transaction, work->named);
    for (size_t i = 0; i < count; i++) {
        struct domains_named_row row = domains_named_get(act->transaction, work->named, i);
        if (text_equal(row.name, made->item->domain)) {
            made->domain = row.domain_id;
            return true;
        }
    }
    return false;
}

/* A sandbox customer's unknown domain is added, once for all items that name it. */
static bool make_domain(struct act *act, const struct making *work, const struct made *before, size_t before_count,
                        struct made *made)
{
    if (make_known_domain(act, work, made))
        return true;
    for (size_t i = 0; i < before_count; i++)
        if (text_equal(before[i].item->domain, made->item->domain)) {
            made->domain = before[i].domain;
            return true;
        }
    if (work->live)
        return false;
    made->domain = act_id(act);
    domain_insert_ask(act->transaction,
                      &(struct domain_insert){ act->customer, made->domain, made->item->domain, act->now });
    return true;
}

static enum mailboxes_word make_one(struct act *act, struct making *work, struct made *all, size_t index)
{
    struct made *made = &all[index];
    struct mailbox_new *item = &work->make->items[index];
    *made = (struct made){ .item = item, .ordinal = INT64_MIN };
    if (!make_pool(act, work, made))
        return MAILBOXES_POOL_UNKNOWN;
    if (!make_address(act, work, item, made))
        return MAILBOXES_ADDRESS_TAKEN;
    if (!make_domain(act, work, all, index, made))
        return MAILBOXES_DOMAIN_UNKNOWN;
    if (!ordinals_give(&work->ordinals, made->pool, &made->ip, &made->ordinal))
        made->ordinal = INT64_MIN; /* its pool has no IP: the next that is assigned takes it in */
    return MAILBOXES_MADE;
}

static void make_placed(struct ordinals *ordinals)
{
    struct making *work = container_of(ordinals, struct making, ordinals);
    struct act *act = ordinals->step.act;
    struct made *all = arena_make_array(act->arena, struct made, work->make->count);
    for (size_t i = 0; i < work->make->count; i++) {
        enum mailboxes_word word = make_one(act, work, all, i);
        if (word != MAILBOXES_MADE) {
            make_end(work, word, i);
            return;
        }
    }
    ordinals_write(act, ordinals);
    for (size_t i = 0; i < work->make->count; i++)
        make_write(act, &all[i]);
    make_lay(act, work);
}

/* ---- 1: the customer may, the pools are held ---- */

static void make_look(struct act *act, struct making *work)
{
    size_t count = work->make->count;
    struct text *names = arena_make_array(act->arena, struct text, count);
    struct text *keys = arena_make_array(act->arena, struct text, count);
    for (size_t i = 0; i < count; i++) {
        names[i] = work->make->items[i].domain;
        keys[i] = work->make->items[i].address_key;
    }
    work->named = domains_named_ask(act->transaction, &(struct domains_named){ act->customer, { names, count } });
    work->addressed =
        mailboxes_addressed_ask(act->transaction, &(struct mailboxes_addressed){ act->customer, { keys, count } });
}

static void make_heard(struct act_step *step)
{
    struct making *work = container_of(step, struct making, step);
    struct act *act = step->act;
    if (customer_facts_count(act->transaction, work->facts) == 0) {
        make_end(work, MAILBOXES_CUSTOMER_SUSPENDED, 0);
        return;
    }
    struct customer_facts_row customer = customer_facts_get(act->transaction, work->facts, 0);
    if (!text_equal(customer.state, TEXT("active"))) {
        make_end(work, MAILBOXES_CUSTOMER_SUSPENDED, 0);
        return;
    }
    work->live = customer.live;
    make_look(act, work);
    size_t pools = pools_hold_count(act->transaction, work->held);
    work->pools = arena_make_array(act->arena, struct uuid, pools);
    for (size_t i = 0; i < pools; i++)
        work->pools[i] = pools_hold_get(act->transaction, work->held, i).pool_id;
    work->ordinals = (struct ordinals){
        .pools = work->pools,
        .pool_count = pools,
        .places = work->make->count,
        .done = make_placed,
    };
    ordinals_start(act, &work->ordinals);
}

void mailboxes_make(struct act *act, struct mailboxes_make *make)
{
    assert(make->count > 0 && make->count <= BOUND_MAILBOXES_PER_REQUEST);
    struct making *work = arena_make(act->arena, struct making);
    struct uuid *pools = arena_make_array(act->arena, struct uuid, make->count);
    bool default_too = false;
    work->make = make;
    for (size_t i = 0; i < make->count; i++) {
        pools[i] = make->items[i].pool;
        default_too = default_too || uuid_is_nil(pools[i]);
    }
    work->facts = customer_facts_ask(act->transaction, &(struct customer_facts){ act->customer });
    work->held =
        pools_hold_ask(act->transaction, &(struct pools_hold){ act->customer, { pools, make->count }, default_too });
    act_read(act, &work->step, make_heard);
}
