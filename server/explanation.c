#include "server/explanation.h"

#include "policy/zone.h"

/* How near its second a booked message must be before an absent worker is its trouble. */
#define NEAR_US (5 * US_PER_MINUTE)

static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
                                      "July",    "August",   "September", "October", "November", "December" };
static const char *const weekdays[] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" };

/* "Tuesday, 24 November 2026 at 10:41:07 (Europe/Berlin)": the time of the one who sends. */
static struct text told(struct arena *arena, const struct explanation_facts *facts, struct instant at)
{
    struct local_time local = { day_of_instant_utc(at), 0 };
    if (facts->zone != NULL)
        local = zone_local(facts->zone, at);
    else
        local.second = (int32_t)(instant_since(at, instant_of_day_utc(local.day)) / US_PER_SECOND);
    struct civil civil = civil_of_day(local.day);
    struct text zone = facts->zone == NULL ? TEXT("UTC") : facts->zone_name;
    return text_format(arena, "%s, %d %s %d at %02d:%02d:%02d (%.*s)", weekdays[day_weekday(local.day)], civil.day,
                       months[civil.month - 1], civil.year, local.second / 3600, local.second / 60 % 60,
                       local.second % 60, TEXT_ARG(zone));
}

static bool is(struct text text, const char *word)
{
    return text_equal(text, text_of(word));
}

static bool is_halted_by(const struct explanation_facts *facts, const char *word)
{
    for (size_t i = 0; i < facts->halted.count; i++)
        if (is(facts->halted.items[i], word))
            return true;
    return false;
}

static struct explanation say(const char *code, struct instant until, struct text text)
{
    return (struct explanation){ text_of(code), text, until };
}

/* What a receiver said, shortened: "421 Server busy". */
static struct text reply(struct arena *arena, const struct explanation_facts *facts)
{
    if (facts->reply_code < 0)
        return TEXT("it gave no answer");
    struct text words = text_slice(text_sane(arena, facts->reply_text), 0, 200);
    while (words.length > 0 && !text_is_utf8(words)) /* cut inside a character */
        words.length--;
    return text_format(arena, "it said: %d %.*s", facts->reply_code, TEXT_ARG(text_trim(words)));
}

/* A receiver by its name; one that is only an address and a port says nothing to a person. */
static struct text who(const struct explanation_facts *facts)
{
    return text_is_empty(facts->about) || text_has(facts->about, ':') ? facts->domain : facts->about;
}

/* ---- over ---- */

static struct explanation over(struct arena *arena, const struct explanation_facts *facts)
{
    struct text at = instant_is_none(facts->ended_at) ? TEXT("") : told(arena, facts, facts->ended_at);
    if (is(facts->state, "delivered"))
        return say(
            "delivered", INSTANT_NONE,
            text_format(arena, "The mail server of %.*s took it on %.*s.", TEXT_ARG(facts->to_address), TEXT_ARG(at)));
    if (is(facts->state, "bounced"))
        return say("bounced", INSTANT_NONE,
                   text_format(arena, "The recipient's mail server refused it for good on %.*s; %.*s.", TEXT_ARG(at),
                               TEXT_ARG(reply(arena, facts))));
    if (is(facts->state, "unconfirmed"))
        return say(
            "unconfirmed", INSTANT_NONE,
            text_format(arena,
                        "It may have arrived or not: the connection was lost on %.*s before the recipient's mail "
                        "server had confirmed it; it is not sent again unless you ask for that.",
                        TEXT_ARG(at)));
    if (is(facts->state, "resent"))
        return say("resent", INSTANT_NONE, TEXT("It was unconfirmed, and you had it sent again as a new message."));
    if (is(facts->state, "cancelled"))
        return say("cancelled", INSTANT_NONE,
                   text_format(arena, "It was cancelled on %.*s and not sent.", TEXT_ARG(at)));
    if (is(facts->state, "expired"))
        return say(
            "expired", INSTANT_NONE,
            text_format(arena,
                        "We stopped trying on %.*s: the recipient's mail server did not take it in all our attempts.",
                        TEXT_ARG(at)));
    return say("suppressed", INSTANT_NONE,
               text_format(arena, "It is not sent, because %.*s is on your list of those who must not be written to.",
                           TEXT_ARG(facts->to_address)));
}

/* ---- somebody has to act first ---- */

static bool stopped(struct arena *arena, const struct explanation_facts *facts, struct explanation *explanation)
{
    if (!is(facts->customer_state, "active")) {
        *explanation =
            say("customer_suspended", INSTANT_NONE,
                TEXT("It waits because the account is suspended; it goes on when the operator resumes the account."));
    } else if (is(facts->mailbox_state, "paused")) {
        *explanation =
            say("mailbox_paused", INSTANT_NONE,
                text_format(arena, "It waits because the mailbox %.*s is paused; it goes on when you resume it.",
                            TEXT_ARG(facts->from_address)));
    } else if (!facts->mailbox_has_ip || is_halted_by(facts, "released")) {
        *explanation =
            say("ip_unavailable", INSTANT_NONE,
                TEXT("It waits because its mailbox has no IP address to send from; it goes on when the operator "
                     "assigns one."));
    } else if (is_halted_by(facts, "ip_paused")) {
        *explanation =
            say("ip_paused", INSTANT_NONE,
                text_format(arena,
                            "It waits because the IP address %.*s is paused; it goes on when the operator resumes it.",
                            TEXT_ARG(facts->ip)));
    } else if (is_halted_by(facts, "quarantine")) {
        *explanation =
            say("quarantined_after_restore", INSTANT_NONE,
                TEXT("It waits because the database was restored from a backup; it goes on when the operator has "
                     "looked at what was sent meanwhile."));
    } else if (!facts->has_route) {
        *explanation = say("no_route", INSTANT_NONE,
                           text_format(arena,
                                       "It waits because nobody has said where mail for %.*s goes; it goes on when the "
                                       "operator sets a route.",
                                       TEXT_ARG(facts->domain)));
    } else {
        return false;
    }
    return true;
}

/* ---- its sender lives, and cannot ---- */

static bool troubled(struct arena *arena, const struct explanation_facts *facts, struct explanation *explanation)
{
    if (!facts->worker_alive || text_is_none(facts->lane_trouble))
        return false;
    if (is(facts->lane_trouble, "clock_wrong"))
        *explanation =
            say("worker_absent", INSTANT_NONE,
                text_format(arena,
                            "It waits because the clock of the machine that sends from %.*s is wrong, so that nobody "
                            "knows what is due; it goes on when the operator has set it right.",
                            TEXT_ARG(facts->ip)));
    else if (is(facts->lane_trouble, "host_exhausted"))
        *explanation =
            say("worker_absent", INSTANT_NONE,
                text_format(arena,
                            "It waits because the machine that sends from %.*s has run out of connections or memory; "
                            "that is tried again every few seconds.",
                            TEXT_ARG(facts->ip)));
    else
        *explanation =
            say("ip_unavailable", INSTANT_NONE,
                text_format(arena,
                            "It waits because the machine that sends from %.*s does not have that address at the "
                            "moment; it goes on when the operator has given it back.",
                            TEXT_ARG(facts->ip)));
    return true;
}

/* ---- what the last decision said, while that still holds ---- */

static bool is_lanes_word(struct text code)
{
    return is(code, "owner_changing") || is(code, "spacing") || is(code, "receiver_busy") || is(code, "no_route");
}

static bool stored(struct arena *arena, const struct explanation_facts *facts, struct explanation *explanation)
{
    struct instant until = facts->stored_until;
    if (is_lanes_word(facts->stored) && !facts->worker_alive) /* the lane that said it is gone */
        return false;
    if (!instant_is_none(until) && !instant_before(facts->now, until) && !is(facts->stored, "owner_changing"))
        return false;
    struct text when = instant_is_none(until) ? TEXT("soon") : text_join(arena, TEXT("on "), told(arena, facts, until));
    struct text at = instant_is_none(facts->at) ? when : text_join(arena, TEXT("on "), told(arena, facts, facts->at));
    if (is(facts->stored, "receiver_on_hold"))
        *explanation =
            say("receiver_on_hold", until,
                text_format(arena,
                            "It waits because the mail server of %.*s asked us to slow down; it is tried again %.*s.",
                            TEXT_ARG(who(facts)), TEXT_ARG(when)));
    else if (is(facts->stored, "receiver_busy"))
        *explanation = say(
            "receiver_busy", until,
            text_format(arena, "It waits for its turn at the mail server of %.*s, which takes one message at a time.",
                        TEXT_ARG(who(facts))));
    else if (is(facts->stored, "greylisted"))
        *explanation =
            say("greylisted", until,
                text_format(arena,
                            "The recipient's mail server asks every new sender to come again; it is tried again %.*s.",
                            TEXT_ARG(when)));
    else if (is(facts->stored, "deferred_by_receiver"))
        *explanation =
            say("deferred_by_receiver", until,
                text_format(arena, "The recipient's mail server did not take it yet (%.*s); it is tried again %.*s.",
                            TEXT_ARG(reply(arena, facts)), TEXT_ARG(when)));
    else if (is(facts->stored, "spacing"))
        *explanation = say("spacing", until,
                           text_format(arena,
                                       "It waits its turn, because messages from %.*s leave one by one with pauses "
                                       "between them; its turn comes %.*s.",
                                       TEXT_ARG(facts->ip), TEXT_ARG(when)));
    else if (is(facts->stored, "no_route")) /* there is one, and the lane cannot go it */
        *explanation = say(
            "no_route", INSTANT_NONE,
            text_format(
                arena,
                "It waits because mail for %.*s cannot go from %.*s where the operator's route leads (another kind "
                "of address, a public one while the clock is not the real one, or one that no network leads to); it "
                "goes on when the operator changes that.",
                TEXT_ARG(facts->domain), TEXT_ARG(facts->ip)));
    else if (is(facts->stored, "owner_changing"))
        *explanation = say(
            "owner_changing", until,
            text_format(arena, "It waits a moment, because the program that sends from %.*s has just been restarted.",
                        TEXT_ARG(facts->ip)));
    else if (is(facts->stored, "waiting_for_thread"))
        *explanation =
            say("waiting_for_thread", until,
                text_format(arena, "It follows an earlier message, and goes out after that one, %.*s.", TEXT_ARG(at)));
    else if (is(facts->stored, "no_free_slot"))
        *explanation =
            say("no_free_slot", until,
                text_format(arena, "It waits because all sending times of its mailbox are taken; %s%.*s.",
                            instant_is_none(until) ? "it takes the next one that is free" : "the next is expected ",
                            TEXT_ARG(instant_is_none(until) ? TEXT("") : when)));
    else if (is(facts->stored, "domain_not_ready") || is(facts->stored, "domain_paused"))
        *explanation =
            say(is(facts->stored, "domain_paused") ? "domain_paused" : "domain_not_ready", until,
                TEXT("It waits because the domain of its mailbox is not ready to send; see the domain's records."));
    else if (is(facts->stored, "resolver_unavailable"))
        *explanation = say("resolver_unavailable", until,
                           TEXT("It waits because the recipient's mail server could not be "
                                "looked up; that is tried again soon."));
    else
        return false;
    return true;
}

/* ---- its turn comes ---- */

static struct explanation booked(struct arena *arena, const struct explanation_facts *facts)
{
    struct instant due = instant_max(facts->at, facts->due_at);
    struct text when = told(arena, facts, due);
    if (!facts->worker_alive && instant_before(due, instant_add(facts->now, NEAR_US)))
        return say("worker_absent", INSTANT_NONE,
                   text_format(arena,
                               "It waits because the program that sends from %.*s is not running; it goes out when the "
                               "operator starts that again.",
                               TEXT_ARG(facts->ip)));
    if (!instant_before(facts->now, due))
        return say(
            "spacing", facts->not_after,
            text_format(arena,
                        "It is next: messages leave from %.*s one by one with a pause; if it has not gone by %.*s, it "
                        "gets another time.",
                        TEXT_ARG(facts->ip), TEXT_ARG(told(arena, facts, facts->not_after))));
    const char *code = instant_before(facts->now, facts->scheduled_at) ? "scheduled" : "waiting_for_slot";
    return say(
        code, due,
        text_format(arena, "%s %.*s from %.*s.",
                    is(text_of(code), "scheduled") ? "You asked to send it later; it goes out on" : "Goes out on",
                    TEXT_ARG(when), TEXT_ARG(facts->ip)));
}

static struct explanation waiting(const struct explanation_facts *facts)
{
    if (is(facts->mailbox_state, "closed"))
        return say("mailbox_closed", INSTANT_NONE, TEXT("It waits, but its mailbox is closed; it will be cancelled."));
    return say("waiting_for_slot", facts->stored_until,
               TEXT("It was accepted and gets its sending time within the next minutes."));
}

struct explanation explanation_of(struct arena *arena, const struct explanation_facts *facts)
{
    struct explanation explanation;
    if (is(facts->state, "sending"))
        return say("sending", INSTANT_NONE,
                   text_format(arena, "It is being handed to the recipient's mail server right now, from %.*s.",
                               TEXT_ARG(facts->ip)));
    if (!is(facts->state, "accepted") && !is(facts->state, "booked"))
        return over(arena, facts);
    if (stopped(arena, facts, &explanation) || troubled(arena, facts, &explanation) ||
        stored(arena, facts, &explanation))
        return explanation;
    return is(facts->state, "booked") && !instant_is_none(facts->at) ? booked(arena, facts) : waiting(facts);
}
