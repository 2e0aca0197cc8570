/*
 * secret — keys, seals and digests.
 *
 * A master key is read once from a file that only its owner can read. What must be stored and read back (a DKIM key, a
 * webhook's secret) is sealed with AES-256-GCM under it, bound to its place ("webhooks/whk_…"): a sealed text moved to
 * another row does not open. What must only be recognised (an API key) is stored as SHA-256.
 * A sealed text is: version (1 byte, 1) · key id (4) · nonce (12, fresh for each) · ciphertext · tag (16).
 */
#pragma once

#include "base/text.h"

enum { SECRET_DIGEST = 32, SECRET_SEAL_OVERHEAD = 1 + 4 + 12 + 16, SECRET_FILE_MIN = 32, SECRET_FILE_MAX = 4096 };

struct secret_key; /* a master key; its memory is locked where the kernel allows it, and wiped */

enum secret_word {
    SECRET_GOOD,
    SECRET_NO_FILE,     /* it cannot be read: errno */
    SECRET_OPEN_TO_ALL, /* others than its owner may read or write it: chmod 600 */
    SECRET_TOO_SHORT,   /* fewer than SECRET_FILE_MIN bytes, or more than SECRET_FILE_MAX */
    SECRET_OTHER_KEY,   /* sealed under another master key */
    SECRET_FORGED,      /* changed, or sealed for another place, or no sealed text at all */
};

MUST_USE enum secret_word secret_key_read(const char *path, struct secret_key **key); /* yours on SECRET_GOOD */
void secret_key_free(struct secret_key **key);                                        /* NULL does nothing */
uint32_t secret_key_id(const struct secret_key *key); /* from a digest of the key: tells which one sealed something */

/* `place` is checked at opening, not stored. nonce: 12 fresh random bytes (io/random.h). */
struct text secret_seal(struct arena *arena, const struct secret_key *key, struct text place, const uint8_t nonce[12],
                        struct text plain);
/* The plain text lies in the arena: secret_wipe() it after use. */
MUST_USE enum secret_word secret_open(struct arena *arena, const struct secret_key *key, struct text place,
                                      struct text sealed, struct text *plain);

/* A key for one purpose ("cursor", "unsubscribe"), derived from the master key (HKDF-SHA256, RFC 5869). */
void secret_derive(const struct secret_key *key, struct text purpose, uint8_t derived[SECRET_DIGEST]);

void secret_sha256(struct text bytes, uint8_t digest[SECRET_DIGEST]);
void secret_hmac_sha256(struct text key, struct text bytes, uint8_t digest[SECRET_DIGEST]);
bool secret_equal(struct text a, struct text b);         /* takes the same time wherever they differ */
void secret_wipe(void *memory, size_t size);             /* is not optimised away */
const char *secret_word_sentence(enum secret_word word); /* for a person: what is wrong, what to do */
