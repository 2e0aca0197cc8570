#include "ledger/holding.h"

#include "ledger_statements.h"

size_t holding_ask(struct act *act, struct uuid message)
{
    message_recipient_hold_ask(act->transaction, &(struct message_recipient_hold){ act->customer, message });
    message_mailbox_hold_ask(act->transaction, &(struct message_mailbox_hold){ act->customer, message });
    return message_hold_ask(act->transaction, &(struct message_hold){ act->customer, message });
}
