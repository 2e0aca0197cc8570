#include "io/secret.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

enum { SEAL_VERSION = 1, NONCE = 12, TAG = 16, HEAD = 1 + 4 + NONCE };

struct secret_key {
    uint8_t sealing[SECRET_DIGEST];
    uint8_t deriving[SECRET_DIGEST];
    uint32_t id;
};

/* ---- digests ---- */

void secret_sha256(struct text bytes, uint8_t digest[SECRET_DIGEST])
{
    if (SHA256((const unsigned char *)bytes.bytes, bytes.length, digest) == NULL)
        unreachable("no memory is left");
}

void secret_hmac_sha256(struct text key, struct text bytes, uint8_t digest[SECRET_DIGEST])
{
    assert(key.length <= INT32_MAX);
    if (HMAC(EVP_sha256(), key.bytes == NULL ? "" : key.bytes, (int)key.length, (const unsigned char *)bytes.bytes,
             bytes.length, digest, NULL) == NULL)
        unreachable("no memory is left");
}

bool secret_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || CRYPTO_memcmp(a.bytes, b.bytes, a.length) == 0);
}

void secret_wipe(void *memory, size_t size)
{
    OPENSSL_cleanse(memory, size);
}

/* RFC 5869, without salt: the input is random already. */
static void hkdf(struct text input, struct text purpose, uint8_t derived[SECRET_DIGEST])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t length = SECRET_DIGEST;
    assert(input.length <= INT32_MAX && purpose.length <= 1024);
    bool good = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1 &&
                EVP_PKEY_CTX_set1_hkdf_key(context, (const unsigned char *)input.bytes, (int)input.length) == 1 &&
                EVP_PKEY_CTX_add1_hkdf_info(context, (const unsigned char *)purpose.bytes, (int)purpose.length) == 1 &&
                EVP_PKEY_derive(context, derived, &length) == 1;
    EVP_PKEY_CTX_free(context);
    if (!good)
        unreachable("HKDF-SHA256 is always there");
}

/* ---- the master key ---- */

static struct secret_key *key_of(struct text bytes)
{
    uint8_t id[SECRET_DIGEST];
    struct secret_key *key = memory_make(struct secret_key);
    (void)mlock(key, sizeof(*key)); /* a limit may forbid it; the key is wiped in any case */
    hkdf(bytes, TEXT("evenpost seal"), key->sealing);
    hkdf(bytes, TEXT("evenpost derive"), key->deriving);
    hkdf(bytes, TEXT("evenpost key id"), id);
    memcpy(&key->id, id, sizeof(key->id));
    return key;
}

static enum secret_word key_load(int file, struct secret_key **key)
{
    char bytes[SECRET_FILE_MAX + 1];
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return SECRET_NO_FILE;
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return SECRET_OPEN_TO_ALL;
    long length = file_read(file, bytes, sizeof(bytes));
    enum secret_word word = length < 0                                             ? SECRET_NO_FILE
                            : length < SECRET_FILE_MIN || length > SECRET_FILE_MAX ? SECRET_TOO_SHORT
                                                                                   : SECRET_GOOD;
    if (word == SECRET_GOOD)
        *key = key_of(text_from(bytes, (size_t)length));
    secret_wipe(bytes, sizeof(bytes));
    return word;
}

enum secret_word secret_key_read(const char *path, struct secret_key **key)
{
    *key = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0)
        return SECRET_NO_FILE;
    enum secret_word word = key_load(file, key);
    int fault = errno;
    close(file);
    errno = fault;
    return word;
}

void secret_key_free(struct secret_key **key)
{
    if (*key == NULL)
        return;
    secret_wipe(*key, sizeof(**key));
    (void)munlock(*key, sizeof(**key));
    memory_free(key);
}

uint32_t secret_key_id(const struct secret_key *key)
{
    return key->id;
}

void secret_derive(const struct secret_key *key, struct text purpose, uint8_t derived[SECRET_DIGEST])
{
    hkdf(text_from((const char *)key->deriving, sizeof(key->deriving)), purpose, derived);
}

/* ---- seals ---- */

/* What is authenticated beside the plain text: version, key id and place. The nonce is GCM's own. */
static struct text seal_bound(struct arena *arena, const uint8_t *head, struct text place)
{
    return text_join(arena, text_from((const char *)head, 5), place);
}

struct text secret_seal(struct arena *arena, const struct secret_key *key, struct text place, const uint8_t nonce[12],
                        struct text plain)
{
    assert(plain.length <= INT32_MAX - SECRET_SEAL_OVERHEAD && place.length <= 1024);
    uint8_t *sealed = arena_bytes(arena, plain.length + SECRET_SEAL_OVERHEAD);
    sealed[0] = SEAL_VERSION;
    memcpy(sealed + 1, &key->id, 4);
    memcpy(sealed + 5, nonce, NONCE);
    struct text bound = seal_bound(arena, sealed, place);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int length = 0, last = 0;
    bool good =
        context != NULL && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->sealing, nonce) == 1 &&
        EVP_EncryptUpdate(context, NULL, &length, (const uint8_t *)bound.bytes, (int)bound.length) == 1 &&
        EVP_EncryptUpdate(context, sealed + HEAD, &length, (const uint8_t *)plain.bytes, (int)plain.length) == 1 &&
        EVP_EncryptFinal_ex(context, sealed + HEAD + length, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, sealed + HEAD + plain.length) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!good)
        unreachable("AES-256-GCM is always there");
    return text_from((const char *)sealed, plain.length + SECRET_SEAL_OVERHEAD);
}

static bool gcm_open(const struct secret_key *key, struct text bound, const uint8_t *sealed, size_t length,
                     uint8_t *plain)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done = 0, last = 0;
    uint8_t tag[TAG];
    memcpy(tag, sealed + HEAD + length, TAG);
    bool good = context != NULL &&
                EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->sealing, sealed + 5) == 1 &&
                EVP_DecryptUpdate(context, NULL, &done, (const uint8_t *)bound.bytes, (int)bound.length) == 1 &&
                EVP_DecryptUpdate(context, plain, &done, sealed + HEAD, (int)length) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
                EVP_DecryptFinal_ex(context, plain + done, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    return good;
}

enum secret_word secret_open(struct arena *arena, const struct secret_key *key, struct text place, struct text sealed,
                             struct text *plain)
{
    const uint8_t *bytes = (const uint8_t *)sealed.bytes;
    *plain = TEXT_NONE;
    if (sealed.length < SECRET_SEAL_OVERHEAD || sealed.length > INT32_MAX || bytes[0] != SEAL_VERSION)
        return SECRET_FORGED;
    if (memcmp(bytes + 1, &key->id, 4) != 0)
        return SECRET_OTHER_KEY;
    size_t length = sealed.length - SECRET_SEAL_OVERHEAD;
    uint8_t *opened = arena_bytes(arena, length + 1);
    if (!gcm_open(key, seal_bound(arena, bytes, place), bytes, length, opened)) {
        secret_wipe(opened, length);
        return SECRET_FORGED;
    }
    *plain = text_from((const char *)opened, length);
    return SECRET_GOOD;
}

const char *secret_word_sentence(enum secret_word word)
{
    switch (word) {
    case SECRET_GOOD: return "good";
    case SECRET_NO_FILE: return "the file of the master key cannot be read";
    case SECRET_OPEN_TO_ALL: return "others than its owner may read the master key: chmod 600 the file";
    case SECRET_TOO_SHORT: return "the file of the master key must hold 32 to 4096 random bytes";
    case SECRET_OTHER_KEY: return "it was sealed under another master key";
    case SECRET_FORGED: return "it was changed, or sealed for another place";
    }
    unreachable("a word without a sentence");
}
