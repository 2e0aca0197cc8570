"""purity — base, policy and mail ask for no time, randomness, file, socket, loop or database: read off their symbols."""
import re
import subprocess

PURE = ("base", "policy", "mail")
IMPURE = re.compile(
    r"^(time|gettimeofday|clock|clock_gettime|clock_nanosleep|localtime(_r)?|gmtime(_r)?|mktime|timegm|nanosleep|u?sleep|"
    r"rand(_r)?|s?random(_r)?|[deln]rand48|arc4random.*|getrandom|getentropy|RAND_.*|"
    r"f?open(64|at|at64)?|creat(64)?|fread|read|p?write(64|v)?|pread(64)?|readv|fopencookie|"
    r"opendir|readdir(64)?|l?stat(64)?|fstat(64)?|unlink|rename|mkdir|mmap(64)?|"
    r"socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|getaddrinfo|gethostby.*|poll|select|epoll_.*|"
    r"getenv|secure_getenv|system|popen|fork|vfork|exec[vlpe]+|pthread_create|uv_.*|PQ.*|MHD_.*|sd_.*|"
    r"g_(random|rand|date_time_new_now|get_real_time|get_monotonic_time|file_).*|g_mime_utils_generate_message_id)$")


# What dies says why on standard error: fprintf is no file.
def check(build):
    for room in PURE:
        archive = build / f"lib{room}.a"
        if not archive.exists():
            continue
        said = subprocess.run(["nm", "--undefined-only", "--print-file-name", archive], capture_output=True, text=True).stdout
        for line in said.splitlines():
            place, symbol = line.rsplit(":", 1)[0], line.split()[-1].split("@")[0]
            if IMPURE.match(symbol):
                yield f"{room}/{place.rsplit(':', 1)[-1].removesuffix('.o')}: {room} is pure, and names {symbol} → let the caller give it"
