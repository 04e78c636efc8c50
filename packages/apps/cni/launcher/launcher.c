// The CNI plugin as runtimes start it. It answers VERSION by itself; every other verb it hands to the daemon's socket,
// as one HTTP request, and prints what comes back. docs/decisions/0007-cni-launcher.md says why it is like this.
//
// While no daemon answers, DEL and GC are written to the spool, which the daemon reads when it is back: what they ask for
// can be done later. Everything else fails at once with a code by which the runtime tries again.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#ifndef TRILANE_VERSION
#define TRILANE_VERSION "0"
#endif
#define VERSIONS "\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\""
#define ABOUT "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n"

enum { HEAD_BYTES = 256, LARGEST_STDIN = 4 << 20, LARGEST_ANSWER = 16 << 20, PATH_BYTES = 4096 };
// Codes of the specification, as they are printed.
#define IO "5"
#define INVALID "7"
#define TRY_LATER "11"
#define UNAVAILABLE "50"

static const char *command;

// Bytes that grow.
struct buffer { char *at; size_t length, room; };

static const char *setting(const char *name, const char *fallback) {
  const char *value = getenv(name);
  return value && *value ? value : fallback;
}

// Called by a signal's handler too: no stdio, no memory of the heap.
static _Noreturn void fail(const char *code, const char *message, const char *details) {
  static const char end[] = "\"}\n";
  char text[PATH_BYTES + 512];
  size_t length = 0;
  // One error is enough.
  alarm(0);
  // STATUS has codes of its own.
  if (!strcmp(code, TRY_LATER) && !strcmp(command, "STATUS")) code = UNAVAILABLE;
  const char *parts[] = {"{\"cniVersion\":\"1.1.0\",\"code\":", code, ",\"msg\":\"", message, "\",\"details\":\"", details};
  for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
    for (const unsigned char *c = (const unsigned char *)parts[part]; *c && length < sizeof text - sizeof end; c++)
      // Details may be a path of somebody else's, of any bytes and length.
      text[length++] = parts[part] == details && (*c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\') ? '?' : (char)*c;
  memcpy(text + length, end, sizeof end - 1);
  (void)!write(STDOUT_FILENO, text, length + sizeof end - 1);
  _exit(1);
}

static void on_alarm(int signal) {
  (void)signal;
  fail(TRY_LATER, "the trilane daemon took too long", "see the daemon's log, and trilane status");
}

static void reserve(struct buffer *buffer, size_t more) {
  if (buffer->room - buffer->length >= more) return;
  buffer->room = (buffer->length + more) * 2;
  if (!(buffer->at = realloc(buffer->at, buffer->room))) fail(TRY_LATER, "out of memory", "free some");
}

static void append(struct buffer *buffer, const char *bytes, size_t length) {
  reserve(buffer, length);
  memcpy(buffer->at + buffer->length, bytes, length);
  buffer->length += length;
}

// Appends all that comes. Returns 0 at the end, -1 on an error, 1 beyond the limit.
static int read_all(int fd, struct buffer *buffer, size_t limit) {
  for (size_t start = buffer->length;;) {
    reserve(buffer, 65536);
    ssize_t count = read(fd, buffer->at + buffer->length, 65536);
    if (count == 0) return 0;
    if (count < 0 && errno != EINTR) return -1;
    if (count > 0) buffer->length += (size_t)count;
    if (buffer->length - start > limit) return 1;
  }
}

static int write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, bytes, length);
    if (count < 0 && errno != EINTR) return -1;
    if (count > 0) { bytes += count; length -= (size_t)count; }
  }
  return 0;
}

static int sync_directory(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  int result = fsync(fd);
  close(fd);
  return result;
}

// Makes one directory, durably. That it is there already is as good.
static int make_directory(const char *path, mode_t mode, const char *parent) {
  if (!mkdir(path, mode)) return sync_directory(parent);
  return errno == EEXIST ? 0 : -1;
}

// Writes the request for a daemon to come: under another name first, so that it is there whole or not at all.
static int spool(const char *bytes, size_t length) {
  const char *state = setting("TRILANE_STATE_DIRECTORY", "/var/lib/trilane");
  char directory[PATH_BYTES], path[PATH_BYTES + 64], unfinished[PATH_BYTES + 64];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned long long at = (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
  if (snprintf(directory, sizeof directory, "%s/spool", state) >= (int)sizeof directory) return -1;
  snprintf(path, sizeof path, "%s/%016llx-%d.cni", directory, at, getpid());
  snprintf(unfinished, sizeof unfinished, "%s/.%016llx-%d", directory, at, getpid());
  if (make_directory(state, 0755, "/") || make_directory(directory, 0700, state)) return -1;
  int fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (write_all(fd, bytes, length) || fsync(fd) || rename(unfinished, path) || sync_directory(directory)) {
    int error = errno;
    unlink(unfinished);
    unlink(path);
    errno = error;
    return -1;
  }
  return 0;
}

// There is no daemon, or it ended before it had answered.
static _Noreturn void without_daemon(const char *problem, const char *socket, const char *bytes, size_t length) {
  if (strcmp(command, "DEL") && strcmp(command, "GC")) fail(TRY_LATER, problem, socket);
  if (spool(bytes, length)) fail(TRY_LATER, "no daemon answers, and the request cannot be kept for later", strerror(errno));
  exit(0);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) { errno = ENAMETOOLONG; return -1; }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) return -1;
  return fd;
}

// The body of a whole answer, or NULL as long as a part is missing. Its head is the daemon's own: short, with a
// content-length.
static const char *body_of(struct buffer *answer, int *status, size_t *length) {
  append(answer, "", 1);
  answer->length--;
  char *end = strstr(answer->at, "\r\n\r\n");
  char *header = strcasestr(answer->at, "\r\ncontent-length:");
  if (!end || !header || header > end || sscanf(answer->at, "HTTP/1.1 %d ", status) != 1) return NULL;
  *length = strtoul(header + 17, NULL, 10);
  return answer->length - (size_t)(end + 4 - answer->at) >= *length ? end + 4 : NULL;
}

// Reads until the answer is whole: that the daemon closes the connection comes a turn of its event loop later.
static const char *read_answer(int fd, struct buffer *answer, int *status, size_t *length) {
  while (answer->length <= LARGEST_ANSWER) {
    reserve(answer, 65536);
    ssize_t count = read(fd, answer->at + answer->length, 65536);
    if (count == 0 || (count < 0 && errno != EINTR)) return NULL;
    if (count < 0) continue;
    answer->length += (size_t)count;
    const char *body = body_of(answer, status, length);
    if (body) return body;
  }
  return NULL;
}

int main(void) {
  command = getenv("CNI_COMMAND");
  if (!command || !*command) {
    fputs("CNI trilane plugin " TRILANE_VERSION "\n" ABOUT, stderr);
    return 0;
  }
  // Whatever was asked, and without reading it: runtimes ask this of every plugin, often.
  if (!strcmp(command, "VERSION")) return puts("{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[" VERSIONS "]}") < 0;

  signal(SIGPIPE, SIG_IGN);
  signal(SIGALRM, on_alarm);
  int seconds = atoi(setting("TRILANE_CNI_TIMEOUT_SECONDS", "60"));
  alarm(seconds > 0 ? (unsigned)seconds : 60);

  struct buffer request = {0}, answer = {0};
  reserve(&request, 65536);
  request.length = HEAD_BYTES;
  for (char **variable = environ; *variable; variable++)
    if (!strncmp(*variable, "CNI_", 4)) append(&request, *variable, strlen(*variable) + 1);
  append(&request, "", 1);
  int ended = read_all(STDIN_FILENO, &request, LARGEST_STDIN);
  if (ended < 0) fail(IO, "error reading from stdin", strerror(errno));
  if (ended > 0) fail(INVALID, "the network config is too large", "at most 4 MiB are read");
  char *body = request.at + HEAD_BYTES;
  size_t length = request.length - HEAD_BYTES;

  const char *path = setting("TRILANE_SOCKET_PATH", "/run/trilane/api.sock");
  int fd = connect_to(path);
  if (fd < 0) without_daemon("the trilane daemon is not reachable", path, body, length);
  char head[HEAD_BYTES];
  int size = snprintf(head, sizeof head, "POST /v1/cni HTTP/1.1\r\nhost: trilane\r\nconnection: close\r\ncontent-length: %zu\r\n\r\n", length);
  memcpy(body - size, head, (size_t)size);
  // A daemon that refuses without reading on has answered all the same.
  (void)!write_all(fd, body - size, length + (size_t)size);
  int status = 0;
  size_t answered = 0;
  const char *text = read_answer(fd, &answer, &status, &answered);
  if (!text) without_daemon("the trilane daemon ended before it answered", path, body, length);
  if (status != 200 && status != 422) fail(TRY_LATER, "the trilane daemon is of another version", path);
  // From here on nothing but the answer may go to stdout.
  alarm(0);
  if (write_all(STDOUT_FILENO, text, answered)) return 1;
  return status == 200 ? 0 : 1;
}
