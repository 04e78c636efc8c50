// Traffic between two network namespaces, and how fast it went. Both ends are this one process and its child, so that there
// is nothing to wait for and nothing to agree on: no port, no control connection, no clock of another.
//
//   trilane-traffic rr|crr|stream|udp --address A [--from NETNS] [--to NETNS] [--from-cpu N] [--to-cpu N]
//                                     [--duration-ms N] [--warm-up-ms N] [--bytes N] [--timeout-ms N]
//   trilane-traffic idle [--duration-ms N]
//   trilane-traffic exec PROGRAM
//
// rr: a request of --bytes and an answer of as many, again and again, on one TCP connection. crr: the same with a connection for
// each. stream: TCP as fast as it goes, in writes of --bytes. udp: datagrams of --bytes as fast as they go, counted where they
// arrive. --from and --to are files of namespaces, the sender's and the receiver's; A is the receiver's address there.
// After the warm-up the window of --duration-ms begins, and only what arrives in it counts. Prints one JSON object.
//
// idle: nothing, for as long; says what the machine does by itself. exec: starts PROGRAM with this one's environment and
// stdin, as a runtime starts a CNI plugin; its stdout is passed on, and the nanoseconds that it took are on stderr.
//
// Exit status 1 with a sentence on stderr when nothing arrives for --timeout-ms; 2 for wrong usage.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 20, MAX_SAMPLES = 1 << 24, BATCH = 64, RECEIVE_BUFFER_BYTES = 8 << 20 };
#define MS_NS 1000000ull

static struct {
  const char *kind, *address, *from, *to;
  int from_cpu, to_cpu;
  long duration_ms, warm_up_ms, bytes, timeout_ms;
} options = {.from_cpu = -1, .to_cpu = -1, .duration_ms = 1000, .warm_up_ms = 50, .timeout_ms = 2000};

// What both ends see.
static struct {
  in_port_t port;
  uint64_t bytes, packets;
  int ended;
} *shared;

static uint8_t buffer[MAX_BYTES];
static pid_t receiver;

static _Noreturn void end(int status) {
  if (receiver > 0) kill(receiver, SIGKILL);
  exit(status);
}

static _Noreturn void die(int status, const char *format, ...) {
  va_list values;
  va_start(values, format);
  fprintf(stderr, "trilane-traffic: ");
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  end(status);
}

static _Noreturn void fail(const char *what) {
  int late = errno == EAGAIN || errno == EINPROGRESS;
  if (late) die(1, "%s: nothing within %ld ms", what, options.timeout_ms);
  die(1, "%s: %s", what, strerror(errno));
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

// Time that all CPUs were idle or somebody else's, in ns; the kernel counts it in ticks of 10 ms.
static uint64_t idle_ns(void) {
  unsigned long long user, nice, system, idle, wait, irq, softirq, steal;
  FILE *file = fopen("/proc/stat", "r");
  if (!file) fail("/proc/stat");
  int count = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait, &irq,
                     &softirq, &steal);
  fclose(file);
  if (count != 8) die(1, "/proc/stat has no eight times of cpu");
  return (idle + wait + steal) * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static uint64_t busy_ns(uint64_t elapsed_ns, uint64_t idle_before) {
  uint64_t all = elapsed_ns * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), idle = idle_ns() - idle_before;
  return all > idle ? all - idle : 0;
}

static void enter(const char *namespace, int cpu) {
  if (namespace) {
    int fd = open(namespace, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET)) fail(namespace);
    close(fd);
  }
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set)) fail("sched_setaffinity");
}

static socklen_t address_of(struct sockaddr_storage *storage, in_port_t port) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
  memset(storage, 0, sizeof *storage);
  if (inet_pton(AF_INET, options.address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    return sizeof *v4;
  }
  if (inet_pton(AF_INET6, options.address, &v6->sin6_addr) != 1) die(2, "--address %s is none", options.address);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = port;
  return sizeof *v6;
}

static void set_limits(int fd) {
  struct timeval limit = {options.timeout_ms / 1000, options.timeout_ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // connect's, too
}

static void no_delay(int fd) { setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); }

static int dial(int type) {
  struct sockaddr_storage storage;
  socklen_t length = address_of(&storage, shared->port);
  int fd = socket(storage.ss_family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  set_limits(fd);
  if (connect(fd, (struct sockaddr *)&storage, length)) fail("connect");
  if (type == SOCK_STREAM) no_delay(fd);
  return fd;
}

// Reads all of it. 0 at the end of the connection.
static int take(int fd, long bytes) {
  for (long done = 0; done < bytes;) {
    ssize_t count = recv(fd, buffer, (size_t)(bytes - done), 0);
    if (count < 0) fail("receive");
    if (count == 0) return 0;
    done += count;
  }
  return 1;
}

static void give(int fd, long bytes) {
  for (long done = 0; done < bytes;) {
    ssize_t count = send(fd, buffer, (size_t)(bytes - done), MSG_NOSIGNAL);
    if (count < 0) fail("send");
    done += count;
  }
}

static void count_datagrams(int fd) {
  static uint8_t space[BATCH][2048];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){space[i], sizeof space[i]};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (count < 0 && errno == EAGAIN) continue;  // the sender ends this process
    if (count < 0) fail("receive");
    for (int i = 0; i < count; i++) shared->bytes += messages[i].msg_len;
    __atomic_store_n(&shared->packets, shared->packets + (uint64_t)count, __ATOMIC_RELEASE);
  }
}

static void sink(int fd) {
  for (ssize_t count; (count = recv(fd, buffer, sizeof buffer, 0)) > 0;)
    __atomic_store_n(&shared->bytes, shared->bytes + (uint64_t)count, __ATOMIC_RELEASE);
  __atomic_store_n(&shared->ended, 1, __ATOMIC_RELEASE);
}

// The receiving end, until it is killed.
static _Noreturn void receive(int ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter(options.to, options.to_cpu);
  int is_udp = !strcmp(options.kind, "udp");
  struct sockaddr_storage storage;
  socklen_t length = address_of(&storage, 0);
  int fd = socket(storage.ss_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&storage, length)) fail(options.address);
  getsockname(fd, (struct sockaddr *)&storage, &length);
  // At the same place in both families.
  shared->port = ((struct sockaddr_in *)&storage)->sin_port;
  if (is_udp) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){RECEIVE_BUFFER_BYTES}, sizeof(int));
  if (!is_udp && listen(fd, 128)) fail("listen");
  set_limits(fd);
  if (write(ready, "", 1) != 1) fail("pipe");
  if (is_udp) count_datagrams(fd);
  for (;;) {
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0 && errno == EAGAIN) continue;
    if (peer < 0) fail("accept");
    set_limits(peer);
    no_delay(peer);
    if (!strcmp(options.kind, "stream")) sink(peer);
    else if (!strcmp(options.kind, "rr")) while (take(peer, options.bytes)) give(peer, options.bytes);
    // The one that closes first keeps the port for a minute: it must not be the one that needs a port for each connection.
    else if (take(peer, options.bytes)) give(peer, options.bytes);
    close(peer);
  }
}

// The window in which things count.
static uint64_t opens_ns, closes_ns, idle_at_start, count_at_start;
static uint32_t *samples;
static uint64_t sample_count;

static uint64_t *arrived(void) {
  return !strcmp(options.kind, "udp") ? &shared->packets : &shared->bytes;
}

static int open_window(uint64_t now) {
  if (opens_ns) return 0;
  opens_ns = now;
  closes_ns = now + (uint64_t)options.duration_ms * MS_NS;
  idle_at_start = idle_ns();
  count_at_start = __atomic_load_n(arrived(), __ATOMIC_ACQUIRE);
  return 1;
}

// A stream that pauses at the wrong moment (a retransmission waits for 200 ms) has a longer window.
static int is_silent(uint64_t now) {
  return !strcmp(options.kind, "stream") && now < closes_ns + (uint64_t)options.timeout_ms * MS_NS &&
         __atomic_load_n(&shared->bytes, __ATOMIC_ACQUIRE) == count_at_start;
}

static void request(int *fd) {
  int once = !strcmp(options.kind, "crr");
  if (once) *fd = dial(SOCK_STREAM);
  give(*fd, options.bytes);
  if (!take(*fd, options.bytes)) die(1, "the connection ended");
  if (!once) return;
  if (take(*fd, 1)) die(1, "more came than was asked for");
  close(*fd);
}

static void send_all(void) {
  int is_stream = !strcmp(options.kind, "stream"), is_udp = !strcmp(options.kind, "udp"), asks = !is_stream && !is_udp;
  int fd = strcmp(options.kind, "crr") ? dial(is_udp ? SOCK_DGRAM : SOCK_STREAM) : -1;
  uint64_t warm_until = now_ns() + (uint64_t)options.warm_up_ms * MS_NS;
  for (uint64_t before = now_ns(), after; !closes_ns || before < closes_ns || is_silent(before); before = after) {
    if (before >= warm_until && open_window(before)) before = now_ns();
    if (is_stream) give(fd, options.bytes);
    else if (is_udp) {
      // A full queue on the way is no failure: what arrives is counted.
      if (send(fd, buffer, (size_t)options.bytes, MSG_NOSIGNAL) < 0 && errno != ENOBUFS) fail("send");
    } else request(&fd);
    after = now_ns();
    if (asks && opens_ns && sample_count < MAX_SAMPLES) samples[sample_count++] = (uint32_t)(after - before);
  }
  closes_ns = now_ns();
  if (is_stream) shutdown(fd, SHUT_WR);
}

static int by_size(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

static uint32_t quantile(double part) {
  return sample_count ? samples[(uint64_t)(part * (double)(sample_count - 1))] : 0;
}

static void transfer(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  samples = mmap(NULL, MAX_SAMPLES * sizeof *samples, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int ready[2];
  if (shared == MAP_FAILED || samples == MAP_FAILED || pipe2(ready, O_CLOEXEC)) fail("start");
  if ((receiver = fork()) < 0) fail("fork");
  if (receiver == 0) receive(ready[1]);
  close(ready[1]);
  char byte;
  if (read(ready[0], &byte, 1) != 1) end(1);  // the receiver has said why
  enter(options.from, options.from_cpu);
  send_all();
  uint64_t elapsed = closes_ns - opens_ns, busy = busy_ns(elapsed, idle_at_start);
  uint64_t counted = __atomic_load_n(arrived(), __ATOMIC_ACQUIRE) - count_at_start;
  if (!strcmp(options.kind, "stream"))
    for (uint64_t until = now_ns() + (uint64_t)options.timeout_ms * MS_NS;
         !__atomic_load_n(&shared->ended, __ATOMIC_ACQUIRE) && now_ns() < until;)
      usleep(500);
  kill(receiver, SIGKILL);
  waitpid(receiver, NULL, 0);
  int asks = strstr(options.kind, "rr") != NULL;
  if (!asks && counted == 0) die(1, "%s: nothing arrived", options.address);
  qsort(samples, sample_count, sizeof *samples, by_size);
  printf("{\"kind\":\"%s\",\"elapsedNs\":%llu,\"busyNs\":%llu,\"count\":%llu,\"totalBytes\":%llu", options.kind,
         (unsigned long long)elapsed, (unsigned long long)busy, (unsigned long long)(asks ? sample_count : counted),
         (unsigned long long)shared->bytes);
  if (asks) printf(",\"p50Ns\":%u,\"p99Ns\":%u", quantile(0.5), quantile(0.99));
  puts("}");
}

static void idle(void) {
  uint64_t before = now_ns(), idle_before = idle_ns();
  usleep((useconds_t)(options.duration_ms * 1000));
  uint64_t elapsed = now_ns() - before;
  printf("{\"kind\":\"idle\",\"elapsedNs\":%llu,\"busyNs\":%llu}\n", (unsigned long long)elapsed,
         (unsigned long long)busy_ns(elapsed, idle_before));
}

static int execute(char *program) {
  // All of the input first: its writer's pace is not the program's.
  ssize_t length = 0, count;
  while ((count = read(STDIN_FILENO, buffer + length, sizeof buffer - (size_t)length)) > 0) length += count;
  int in[2], error, status;
  pid_t pid;
  extern char **environ;
  posix_spawn_file_actions_t actions;
  if (pipe2(in, O_CLOEXEC)) fail("pipe");
  fcntl(in[1], F_SETPIPE_SZ, sizeof buffer);
  signal(SIGPIPE, SIG_DFL);
  if (write(in[1], buffer, (size_t)length) != length) fail("pipe");
  close(in[1]);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  uint64_t before = now_ns();
  if ((error = posix_spawn(&pid, program, &actions, NULL, (char *[]){program, NULL}, environ))) {
    errno = error;
    fail(program);
  }
  if (waitpid(pid, &status, 0) != pid) fail(program);
  fprintf(stderr, "%llu\n", (unsigned long long)(now_ns() - before));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static long number(const char *name, const char *text, long least, long most) {
  char *rest;
  errno = 0;
  long value = strtol(text, &rest, 10);
  if (errno || *rest || rest == text || value < least || value > most)
    die(2, "%s %s: %ld to %ld", name, text, least, most);
  return value;
}

static void parse(int argc, char **argv) {
  for (int i = 2; i < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!value) die(2, "%s needs a value", name);
    if (!strcmp(name, "--address")) options.address = value;
    else if (!strcmp(name, "--from")) options.from = value;
    else if (!strcmp(name, "--to")) options.to = value;
    else if (!strcmp(name, "--from-cpu")) options.from_cpu = (int)number(name, value, 0, CPU_SETSIZE - 1);
    else if (!strcmp(name, "--to-cpu")) options.to_cpu = (int)number(name, value, 0, CPU_SETSIZE - 1);
    else if (!strcmp(name, "--duration-ms")) options.duration_ms = number(name, value, 1, 60000);
    else if (!strcmp(name, "--warm-up-ms")) options.warm_up_ms = number(name, value, 0, 60000);
    else if (!strcmp(name, "--timeout-ms")) options.timeout_ms = number(name, value, 1, 60000);
    else if (!strcmp(name, "--bytes")) options.bytes = number(name, value, 1, MAX_BYTES);
    else die(2, "unknown: %s", name);
  }
}

int main(int argc, char **argv) {
  options.kind = argc < 2 ? "" : argv[1];
  if (!strcmp(options.kind, "exec")) {
    if (argc != 3) die(2, "exec PROGRAM");
    return execute(argv[2]);
  }
  parse(argc, argv);
  if (!strcmp(options.kind, "idle")) {
    idle();
    return 0;
  }
  static const struct { const char *kind; long bytes; } kinds[] = {{"rr", 1}, {"crr", 1}, {"stream", 128 << 10}, {"udp", 64}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(options.kind, kinds[i].kind)) continue;
    if (!options.address) die(2, "--address is missing");
    address_of(&(struct sockaddr_storage){0}, 0);  // refuses what is none
    if (!options.bytes) options.bytes = kinds[i].bytes;
    if (!strcmp(options.kind, "udp") && options.bytes > 2048) die(2, "--bytes %ld: udp has 2048 at most", options.bytes);
    transfer();
    return 0;
  }
  die(2, "%s: it is rr, crr, stream, udp, idle or exec", options.kind);
}
