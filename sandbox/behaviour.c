#include "sandbox/behaviour.h"

#define GMAIL_SOMETIMES_FROM 3 /* connections: reported as the first number that is refused now and then */
#define GMAIL_ALWAYS_FROM    6
#define GMAIL_CHANCE         0.25

static const char *const profile_names[PROFILES] = { "strict", "gmail", "lax" };
static const char *const stage_names[STAGES] = { "greeting", "ehlo", "mail", "rcpt", "data", "dot", "quit" };

struct behaviour behaviour_of(enum profile profile)
{
    return (struct behaviour){
        .profile = profile,
        .limit = profile == PROFILE_STRICT ? 2 : 0,
        .greylist_us = BEHAVIOUR_GREYLIST_US,
        .idle_us = BEHAVIOUR_IDLE_US,
    };
}

static bool gmail_is_busy(size_t open, double luck)
{
    if (open < GMAIL_SOMETIMES_FROM)
        return false;
    return open >= GMAIL_ALWAYS_FROM || luck < GMAIL_CHANCE;
}

bool behaviour_is_busy(const struct behaviour *behaviour, size_t open, double luck)
{
    if (behaviour->limit != 0 && open > behaviour->limit)
        return true;
    return behaviour->profile == PROFILE_GMAIL && gmail_is_busy(open, luck);
}

const char *profile_name(enum profile profile)
{
    assert(profile < PROFILES);
    return profile_names[profile];
}

const char *stage_name(enum stage stage)
{
    assert(stage < STAGES);
    return stage_names[stage];
}

bool profile_of(struct text name, enum profile *profile)
{
    for (unsigned i = 0; i < PROFILES; i++)
        if (text_equal(name, text_of(profile_names[i]))) {
            *profile = (enum profile)i;
            return true;
        }
    return false;
}

bool stage_of(struct text name, enum stage *stage)
{
    for (unsigned i = 0; i < STAGES; i++)
        if (text_equal(name, text_of(stage_names[i]))) {
            *stage = (enum stage)i;
            return true;
        }
    return false;
}
