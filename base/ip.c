#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }; /* RFC 4291 §2.5.5.2 */

bool ip_parse(struct text text, struct ip *ip)
{
    char terminated[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    *ip = IP_NONE;
    if (text.length == 0 || text.length >= sizeof(terminated) || text_has(text, '\0'))
        return false;
    memcpy(terminated, text.bytes, text.length);
    terminated[text.length] = '\0';
    if (inet_pton(AF_INET, terminated, ip->bytes) == 1) {
        ip->version = 4;
        return true;
    }
    if (inet_pton(AF_INET6, terminated, bytes) != 1)
        return false;
    bool is_mapped = memcmp(bytes, mapped, sizeof(mapped)) == 0;
    ip->version = is_mapped ? 4 : 6;
    memcpy(ip->bytes, is_mapped ? bytes + sizeof(mapped) : bytes, is_mapped ? 4 : 16);
    return true;
}

struct text ip_text(struct arena *arena, struct ip ip)
{
    char terminated[INET6_ADDRSTRLEN] = "";
    if (ip.version != 0)
        inet_ntop(ip.version == 4 ? AF_INET : AF_INET6, ip.bytes, terminated, sizeof(terminated));
    return text_copy(arena, text_of(terminated));
}

bool ip_equal(struct ip a, struct ip b)
{
    return a.version == b.version && memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool ip_is_none(struct ip ip)
{
    return ip.version == 0;
}

bool ip_is_loopback(struct ip ip)
{
    static const uint8_t one[16] = { [15] = 1 };
    if (ip.version == 4)
        return ip.bytes[0] == 127;
    return ip.version == 6 && memcmp(ip.bytes, one, sizeof(one)) == 0;
}

bool ip_is_private(struct ip ip)
{
    const uint8_t *b = ip.bytes;
    if (ip.version == 4)
        return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
               (b[0] == 169 && b[1] == 254);
    return ip.version == 6 && ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80));
}
