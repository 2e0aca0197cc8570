/*
 * conversation — one client's connection: its octets, its deadlines, and how it ends. The session (session.h) knows what
 * to say, the host (host.h) who is there.
 *
 * One life: accepted and counted, greeted, heard line by line, answered — at once, late, or never —, and parted from.
 * To part is: our last word is sent; after QUIT the client has a moment to end its side first; then we end ours
 * (shutdown), read until the client's end-of-file, and only then close and count it out. A client that does not end is
 * reset after a bound. It never waits for more than one thing, so it has one timer.
 */
#pragma once

#include "sandbox/host.h"

struct conversation;

#define CONVERSATION_LINE_MAX    2048                 /* octets of a command, RFC 5321 §4.5.3.1.4 with extensions */
#define CONVERSATION_CONTENT_US  (30 * US_PER_MINUTE) /* for a whole message, however steadily it trickles */
#define CONVERSATION_PATIENCE_US (100 * US_PER_MS)    /* after QUIT: time for the client to end first */
#define CONVERSATION_LINGER_US   (30 * US_PER_SECOND) /* for its end-of-file after our shutdown; then it is reset */

/* Takes the descriptor; already counted under that number. Lives until it has told host_left(). */
void conversation_begin(struct host *host, int descriptor, struct source *source, uint64_t number, bool busy);
/* Looks whether its end-of-file is there already; it may be gone after this. */
void conversation_look(struct conversation *conversation);
/* Ends it now: the sandbox stops. */
void conversation_stop(struct conversation *conversation);

struct source *conversation_source(const struct conversation *conversation);
/* The conversation that holds this link of the host's lists. */
struct conversation *conversation_of_all(struct link *link);
struct conversation *conversation_of_parting(struct link *link);
