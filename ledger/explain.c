#include "ledger/explain.h"

#include "ledger_statements.h"

static void explain_ended(struct act *act, const struct pg_end *end)
{
    struct explain *explain = container_of(act, struct explain, act);
    explain->written = end->word == PG_COMMITTED;
    explain->told(explain);
}

void explain_messages(struct ledger *ledger, struct explain *explain)
{
    act_begin(&explain->act, ledger, explain->customer, explain_ended);
    messages_explain_ask(explain->act.transaction, &(struct messages_explain){
                                                       .customer = explain->customer,
                                                       .messages = explain->messages,
                                                       .code = explain->code,
                                                       .until = explain->until,
                                                       .about = explain->about,
                                                   });
    act_commit(&explain->act);
}
