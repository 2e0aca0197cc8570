#include "ledger/ledger.h"

#include "ledger/zones.h"

struct ledger *ledger_new(const struct ledger_given *given)
{
    struct ledger *ledger = memory_make(struct ledger);
    *ledger = (struct ledger){ given->pool, given->clock, given->random, zones_new() };
    return ledger;
}

void ledger_free(struct ledger **ledger)
{
    if (*ledger == NULL)
        return;
    zones_free(&(*ledger)->zones);
    memory_free(ledger);
}
