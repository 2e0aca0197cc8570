#include "mail/smtp_session.h"

struct text smtp_stage_word(enum smtp_stage stage)
{
    switch (stage) {
    case SMTP_STAGE_CONNECT: return TEXT("connect");
    case SMTP_STAGE_BANNER: return TEXT("banner");
    case SMTP_STAGE_EHLO: return TEXT("ehlo");
    case SMTP_STAGE_MAIL: return TEXT("mail");
    case SMTP_STAGE_RCPT: return TEXT("rcpt");
    case SMTP_STAGE_DATA: return TEXT("data");
    case SMTP_STAGE_DOT: return TEXT("dot");
    case SMTP_STAGES: break;
    }
    unreachable("no stage");
}

struct text smtp_outcome_word(enum smtp_outcome outcome)
{
    switch (outcome) {
    case SMTP_DELIVERED: return TEXT("delivered");
    case SMTP_DEFERRED: return TEXT("deferred");
    case SMTP_BOUNCED: return TEXT("bounced");
    case SMTP_UNCONFIRMED: return TEXT("unconfirmed");
    case SMTP_REFUSED_HERE: return TEXT("refused_here");
    case SMTP_NOT_SENT: return TEXT("not_sent");
    case SMTP_STALE: return TEXT("stale");
    case SMTP_OUTCOMES: break;
    }
    unreachable("no outcome");
}

struct text smtp_trouble_word(enum smtp_trouble trouble)
{
    switch (trouble) {
    case SMTP_NO_TROUBLE: return TEXT("none");
    case SMTP_LOST: return TEXT("connection_lost");
    case SMTP_SILENT: return TEXT("timeout");
    case SMTP_PROTOCOL: return TEXT("protocol_error");
    case SMTP_NO_UTF8: return TEXT("smtputf8_not_offered");
    case SMTP_TOO_BIG: return TEXT("larger_than_size");
    case SMTP_NOT_AUTHORIZED: return TEXT("not_authorized");
    case SMTP_GIVEN_UP: return TEXT("given_up");
    }
    unreachable("no trouble");
}
