#include "sandbox/manners.h"

static const struct manner manners[] = {
    { "greylist", STAGE_RCPT, MANNER_GREYLIST, "451 4.7.1 Greylisted, try again in five minutes" },
    { "reject", STAGE_RCPT, MANNER_REPLY, "550 5.1.1 No such user here" },
    { "defer", STAGE_RCPT, MANNER_REPLY, "451 4.3.0 Mailbox temporarily unavailable, try again later" },
    { "busy", STAGE_RCPT, MANNER_CLOSE, "421 4.4.5 Server busy, try again later" },
    { "drop", STAGE_DOT, MANNER_DROP, "" },
    { "stall", STAGE_DOT, MANNER_STALL, "" },
    { "slow", STAGE_QUIT, MANNER_LATE, "" },
    { "defer-dot", STAGE_DOT, MANNER_REPLY, "451 4.3.0 Message deferred, try again later" },
    { "reject-dot", STAGE_DOT, MANNER_REPLY, "550 5.7.1 Message refused" },
    { "garbage-dot", STAGE_DOT, MANNER_REPLY, "lorem ipsum dolor sit amet" },
    { "half-dot", STAGE_DOT, MANNER_HALF, "250 2.0" },
};

const struct manner *manner_of(struct text address)
{
    struct text local_part = text_slice(address, 0, text_find_last(address, '@'));
    struct text name = text_slice(local_part, 0, text_find(local_part, '+'));
    for (size_t i = 0; i < COUNT(manners); i++)
        if (text_equal_fold(name, text_of(manners[i].local_part)))
            return &manners[i];
    return NULL;
}
