/* As much of HTTP as fan.c speaks: a connection, a request made from a text, an answer read to its end. */
#ifndef HTTP_H
#define HTTP_H

enum {
    ANSWER_BYTES = 65536,
    PORTS_PER_ADDRESS = 20000, /* more connections than this take another source address of the loopback network */
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int dial(int port) {
    static atomic_int dialled;
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(atomic_fetch_add(&dialled, 1) / PORTS_PER_ADDRESS));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) || connect(fd, (struct sockaddr *)&to, sizeof to))
        fail("fan: cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* What stands for %t, %m and %c in a text. */
typedef struct {
    const char *token, *marker, *channel;
} Words;

/* Copies `text` with %t, %m, %c and the escapes \r and \n replaced; returns the size. */
static size_t expand(char *out, size_t room, const char *text, Words words) {
    char *to = out, *end = out + room - 1;
    while (*text && to < end) {
        const char *word = !strncmp(text, "%t", 2)   ? words.token
                           : !strncmp(text, "%m", 2) ? words.marker
                           : !strncmp(text, "%c", 2) ? words.channel
                                                     : NULL;
        if (word) {
            size_t size = strlen(word);
            if (size > (size_t)(end - to))
                break;
            memcpy(to, word, size);
            to += size;
            text += 2;
        } else if (text[0] == '\\' && (text[1] == 'r' || text[1] == 'n')) {
            *to++ = text[1] == 'r' ? '\r' : '\n';
            text += 2;
        } else {
            *to++ = *text++;
        }
    }
    *to = 0;
    return (size_t)(to - out);
}

/* Reads one whole answer; whether it is a yes. The first no is shown. */
static int take_answer(int fd) {
    static atomic_int told;
    char answer[ANSWER_BYTES];
    size_t size = 0;
    for (;;) {
        ssize_t more = read(fd, answer + size, sizeof answer - 1 - size);
        if (more <= 0) {
            fprintf(stderr, "fan: the server closed a publisher's connection\n");
            exit(1);
        }
        size += (size_t)more;
        answer[size] = 0;
        char *end = strstr(answer, "\r\n\r\n");
        if (!end)
            continue;
        char *length = strcasestr(answer, "\r\ncontent-length:");
        size_t body = length && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0;
        if (size >= (size_t)(end + 4 - answer) + body)
            break;
    }
    int good = !strncmp(answer, "HTTP/1.1 2", 10);
    if (!good && !atomic_exchange(&told, 1))
        fprintf(stderr, "fan: refused: %.300s\n", answer);
    return good;
}

#endif
