/*
 * meter IN OUT CMD ARG... runs CMD once, its input from IN and its output to
 * OUT, and prints what it cost:
 *
 *     wall-ns user-us system-us peak-KiB exit-status
 *
 * The kernel counts the memory of the process that starts another one into
 * the started one's peak (exec keeps the high-water mark of the memory that it
 * leaves), so what starts the measured program must be smaller than anything
 * that is measured. A Go program is not; this one, linked statically, is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long us(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

static int must_open(const char *path, int flags) {
	int fd = open(path, flags | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(path);
		exit(125);
	}
	return fd;
}

int main(int argc, char **argv) {
	if (argc < 4) {
		fprintf(stderr, "usage: meter IN OUT CMD ARG...\n");
		return 125;
	}
	int in = must_open(argv[1], O_RDONLY);
	int out = must_open(argv[2], O_WRONLY | O_CREAT | O_TRUNC);
	volatile int failed = 0; /* the child shares it until it is another program */
	long long start = now();
	pid_t pid = vfork();
	if (pid < 0) {
		perror("vfork");
		return 125;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0)
			execvp(argv[3], argv + 3);
		failed = errno;
		_exit(125);
	}
	int status;
	struct rusage ru;
	if (wait4(pid, &status, 0, &ru) < 0) {
		perror("wait4");
		return 125;
	}
	long long wall = now() - start;
	if (failed) {
		fprintf(stderr, "%s: %s\n", argv[3], strerror(failed));
		return 125;
	}
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	printf("%lld %lld %lld %ld %d\n", wall, us(ru.ru_utime), us(ru.ru_stime), ru.ru_maxrss, code);
	return 0;
}
