#include "sandbox/listening.h"

#include "io/socket_address.h"

#include <errno.h>
#include <unistd.h>

int listening_socket(struct ip ip, uint16_t port, int backlog)
{
    struct sockaddr_storage address;
    socklen_t length = socket_address_of(ip, port, &address);
    int yes = 1;
    int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(descriptor, (struct sockaddr *)&address, length) == 0 && listen(descriptor, backlog) == 0)
        return descriptor;
    int why = errno;
    close(descriptor);
    errno = why;
    return -1;
}
