/*
 * resend — the customer asks for a message that ended in doubt to be sent again: a new message with the same content and
 * the same Message-ID header, so that a receiver which did take the first may see that it has it. The old one is `resent`.
 * Not a first writing; the suppression, the mailbox and the rest are asked anew, as in accept.
 */
#pragma once

#include "ledger/accept.h"

enum resend_word {
    RESEND_MADE,
    RESEND_UNKNOWN,         /* no such message of this customer */
    RESEND_NOT_UNCONFIRMED, /* `state` says what it is */
    RESEND_REFUSED,         /* `refusal` says why, in accept's words */
};

struct resend {
    struct uuid message;     /* given: the old one */
    struct uuid fresh;       /* given: the new one's id */
    struct text traceparent; /* given: the trace of the one who asks; TEXT_NONE: none */
    void (*done)(struct resend *resend);

    enum resend_word word; /* told */
    struct text state;
    enum accept_word refusal;
    struct slot slot;
    struct instant free_from;
};

void resend_message(struct act *act, struct resend *resend);
