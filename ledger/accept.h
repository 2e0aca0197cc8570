/*
 * accept — a message is taken in: recipient's mark, message, slot, events in one transaction (P1).
 *
 * Everything that may stand against it is asked in the transaction itself: the customer's state and identity, the
 * domain, the mailbox and its IP, the suppression of the recipient or the whole domain, and whether another mailbox of
 * the customer has written to that person lately. One row of `recipients` is where two acceptances of one person, and
 * an acceptance and a suppression, meet: both cannot win. Then the earliest opening is taken, and laid if need be.
 *
 * A follow-up goes from its thread's mailbox, after what it answers, to the same person. It is no first writing where its
 * thread has reached that person, or is about to; else it is one like any other, whatever it answers.
 *
 * ACCEPT_MADE is a promise only after the commit's own word. Any other word: act_rollback().
 */
#pragma once

#include "ledger/act.h"
#include "ledger/slot.h"

enum accept_word {
    ACCEPT_MADE,
    ACCEPT_CUSTOMER_SUSPENDED, /* or closed */
    ACCEPT_IDENTITY_MISSING,
    ACCEPT_DOMAIN_NOT_READY,
    ACCEPT_MAILBOX_UNKNOWN, /* no such mailbox of this customer; or none was named and there is no active one */
    ACCEPT_MAILBOX_CLOSED,
    ACCEPT_MAILBOX_PAUSED,
    ACCEPT_IP_UNAVAILABLE,
    ACCEPT_SUPPRESSED,
    ACCEPT_RECENTLY_WRITTEN,
    ACCEPT_NO_SLOT,        /* nothing free within the horizon: `free_from` says from when there is more */
    ACCEPT_PARENT_UNKNOWN, /* in_reply_to is no message of this customer */
    ACCEPT_PARENT_OTHER,   /* in_reply_to was written to somebody else */
    ACCEPT_THREAD_OTHER,   /* a mailbox was named, and the thread is another one's */
};

struct accept {
    /* given */
    struct uuid message;     /* its id; fresh */
    struct uuid mailbox;     /* UUID_NIL: the earliest opening of the customer; of a follow-up its thread's decides */
    struct uuid in_reply_to; /* UUID_NIL: a first writing */
    struct text to_address, to_name;
    struct text recipient_key, domain_key; /* mail/address.h */
    struct text subject;
    struct text text, html;                     /* TEXT_NONE: without */
    struct text reply_to;                       /* TEXT_NONE: none */
    struct text headers, attachments, metadata; /* JSON: an object, an array, an object */
    struct text tag;                            /* TEXT_NONE: none */
    struct text header_message_id; /* as it will stand in the header, without <>: id@domain. TEXT_NONE: made
                                                   of the message's id and the mailbox's domain */
    struct instant scheduled_at;   /* INSTANT_NONE: as soon as may be */
    struct text traceparent;       /* the trace it came in with; TEXT_NONE: none */
    void (*done)(struct accept *accept);

    /* told */
    enum accept_word word;
    struct slot slot;         /* ACCEPT_MADE */
    struct uuid thread;       /* the first message of its thread */
    struct instant free_from; /* ACCEPT_NO_SLOT */
    struct text explanation_code;
    struct instant explanation_until;
};

void accept_message(struct act *act, struct accept *accept);
