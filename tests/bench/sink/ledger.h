/*
 * ledger — what the sink has seen: messages, and connections in all and from
 * each source address, now and at most. One ledger in a process. A struct
 * source belongs to the ledger and lives as long as the process.
 */
#include <stdint.h>

struct source;

/* A connection from addr (network byte order) was accepted; the same source goes to ledger_closed(). */
struct source *ledger_opened(uint32_t addr);
void ledger_closed(struct source *source);

void ledger_message(void); /* a final dot is about to be answered with 250 */
void ledger_aborted(void); /* a connection ended without QUIT */

long ledger_messages(void);
int ledger_open(void);

/* Starts the counts anew; connections that are open stay counted. */
void ledger_reset(void);

/* One JSON object on standard output. */
void ledger_print(void);
