// Starts CNI plugins as a runtime does, and times that. runc's relatives are programs of Go, whose children are made with
// vfork(2), as here by posix_spawn(3). Node.js would add more than a millisecond of its own to each process.
//
//   cni-runtime VERB PODS AT_ONCE (PLUGIN CONFIG)...
//
// VERB for the containers bench-container-0 to PODS-1 in /run/netns/pod0 and so on, AT_ONCE of them at a time; for each
// one the plugins in their order, each with the result of the one before, and DEL in the opposite order. VERSION is asked
// of the first one alone. Prints the milliseconds of each container and at last those of all together.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { TEXT_BYTES = 16384, VARIABLES = 64, MOST_AT_ONCE = 64 };

static const char *verb;
static char **chain;
static int plugins, pods, next_pod;
static double *took_ms;

static _Noreturn void die(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  exit(1);
}

static void on_pipe(int signal) { (void)signal; }

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

// One process from its start to its end. `result` becomes what it printed.
static void call(const char *plugin, const char *config, char *result, char **env) {
  int in[2], out[2], error, status;
  pid_t pid;
  posix_spawn_file_actions_t actions;
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) die("pipe: %s", strerror(errno));
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  char *const argv[] = {(char *)plugin, NULL};
  if ((error = posix_spawn(&pid, plugin, &actions, NULL, argv, env))) die("%s: %s", plugin, strerror(error));
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  // Less than a pipe holds. A plugin may end without reading it.
  if (write(in[1], config, strlen(config)) < 0 && errno != EPIPE) die("%s: %s", plugin, strerror(errno));
  close(in[1]);
  size_t length = 0;
  for (ssize_t count; (count = read(out[0], result + length, TEXT_BYTES - 1 - length)) > 0;) length += (size_t)count;
  result[length] = 0;
  close(out[0]);
  if (waitpid(pid, &status, 0) != pid || status != 0) die("%s %s: status %d: %s", plugin, verb, status, result);
}

static void call_chain(int pod) {
  char container[64], namespace[64], command[64], config[TEXT_BYTES * 2], result[TEXT_BYTES] = "";
  char *env[VARIABLES + 8];
  int count = 0;
  for (char **variable = environ; *variable && count < VARIABLES; variable++) env[count++] = *variable;
  snprintf(command, sizeof command, "CNI_COMMAND=%s", verb);
  snprintf(container, sizeof container, "CNI_CONTAINERID=bench-container-%d", pod);
  snprintf(namespace, sizeof namespace, "CNI_NETNS=/run/netns/pod%d", pod);
  char *own[] = {command, container, namespace, "CNI_IFNAME=eth0", "CNI_PATH=/usr/lib/cni", NULL};
  memcpy(env + count, own, sizeof own);
  for (int step = 0; step < plugins; step++) {
    int which = strcmp(verb, "DEL") ? step : plugins - 1 - step;
    const char *text = chain[2 * which + 1];
    if (!strcmp(verb, "ADD") && step > 0)
      // The config is an object: its last brace gives way to one more field.
      snprintf(config, sizeof config, "%.*s,\"prevResult\":%s}", (int)strlen(text) - 1, text, result);
    else
      snprintf(config, sizeof config, "%s", text);
    call(chain[2 * which], config, result, env);
    if (!strcmp(verb, "VERSION")) return;
  }
}

static void *work(void *unused) {
  for (int pod; (pod = __atomic_fetch_add(&next_pod, 1, __ATOMIC_RELAXED)) < pods;) {
    double started = now_ms();
    call_chain(pod);
    took_ms[pod] = now_ms() - started;
  }
  return unused;
}

int main(int argc, char **argv) {
  if (argc < 6 || argc % 2) die("cni-runtime VERB PODS AT_ONCE (PLUGIN CONFIG)...");
  // For this program alone: a handler, unlike SIG_IGN, does not outlive exec.
  signal(SIGPIPE, on_pipe);
  verb = argv[1];
  pods = atoi(argv[2]);
  int at_once = atoi(argv[3]);
  chain = argv + 4;
  plugins = (argc - 4) / 2;
  if (pods < 1 || at_once < 1 || at_once > MOST_AT_ONCE) die("PODS or AT_ONCE is out of range");
  if (!(took_ms = calloc((size_t)pods, sizeof *took_ms))) die("out of memory");
  pthread_t threads[MOST_AT_ONCE];
  double started = now_ms();
  for (int i = 0; i < at_once; i++) if ((errno = pthread_create(&threads[i], NULL, work, NULL))) die("%s", strerror(errno));
  for (int i = 0; i < at_once; i++) pthread_join(threads[i], NULL);
  double all = now_ms() - started;
  for (int pod = 0; pod < pods; pod++) printf("%.4f\n", took_ms[pod]);
  printf("%.4f\n", all);
  return 0;
}
