// The reference for the lab's client: connect, one after the other, and write each one's nanoseconds to a file.
// connect ADDRESS PORT COUNT FILE
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void use_last_processor(void) {
    cpu_set_t allowed, last;
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (int i = CPU_SETSIZE - 1; i >= 0; i--)
        if (CPU_ISSET(i, &allowed)) {
            CPU_ZERO(&last);
            CPU_SET(i, &last);
            sched_setaffinity(0, sizeof last, &last);
            return;
        }
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_aton(argv[1], &where.sin_addr);
    long count = atol(argv[3]), warm_up = 200, *took = calloc(count, sizeof *took);
    struct linger reset = {1, 0};
    use_last_processor();
    for (long i = -warm_up; i < count; i++) {
        int each = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(each, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        long started = now();
        if (connect(each, (struct sockaddr *)&where, sizeof where)) return 1;
        long done = now();
        close(each);
        if (i >= 0) took[i] = done - started;
    }
    FILE *file = fopen(argv[4], "w");
    for (long i = 0; i < count; i++) fprintf(file, "%ld\n", took[i]);
    return fclose(file);
}
