/* A request over a connected socket without TLS: it goes out, and the first bytes of its reply come in, while the GIL
 * is given up once. Each time costs 5 ms beside a busy thread, and the application a stall. For `_delivery/kept.py`;
 * where there are POSIX's sockets. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* Python ignores SIGPIPE. */
#endif

/* What is given back instead of an errno where the connection cannot take a request. */
enum { STALE = -1 };
enum { REPLY_PIECE = 16 << 10, LONGEST_MS = 3600 * 1000, MOST_PARTS = 64 };

typedef struct {
    int socket;
    int64_t pause_ms, until_ms; /* each wait; all of them */
    PyThreadState *thread;
} Wire;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether a handler of a signal has raised: on the main thread, of a program that drains, nobody waits for Ctrl-C. */
static int interrupted(Wire *wire)
{
    PyEval_RestoreThread(wire->thread);
    int raised = PyErr_CheckSignals() < 0;
    wire->thread = PyEval_SaveThread();
    return raised;
}

/* 0 when *events* can be had, or the next call will tell what is wrong; else an errno. */
static int await_wire(Wire *wire, short events)
{
    int64_t end = now_ms() + wire->pause_ms;
    if (end > wire->until_ms)
        end = wire->until_ms;
    for (;;) {
        struct pollfd entry = {.fd = wire->socket, .events = events};
        int64_t left = end - now_ms();
        int ready = poll(&entry, 1, left > 0 ? (int)left : 0);
        if (ready > 0)
            return 0;
        if (ready == 0)
            return ETIMEDOUT;
        if (errno != EINTR)
            return errno;
        if (interrupted(wire))
            return EINTR;
    }
}

static int would_wait(void) { return errno == EAGAIN || errno == EWOULDBLOCK; }

/* Whether nothing has come that nobody asked for, the news that the other side has closed included. */
static int fresh(const Wire *wire)
{
    char byte;
    return recv(wire->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && would_wait();
}

static int send_parts(Wire *wire, struct iovec *part, size_t parts)
{
    while (parts > 0) {
        struct msghdr message = {.msg_iov = part, .msg_iovlen = parts};
        ssize_t sent = sendmsg(wire->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            int error = errno == EINTR ? 0 : would_wait() ? await_wire(wire, POLLOUT) : errno;
            if (error)
                return error;
            continue;
        }
        for (; parts > 0 && (size_t)sent >= part->iov_len; part++, parts--)
            sent -= (ssize_t)part->iov_len;
        if (parts > 0) {
            part->iov_base = (char *)part->iov_base + sent;
            part->iov_len -= (size_t)sent;
        }
    }
    return 0;
}

static int receive_some(Wire *wire, char *buffer, Py_ssize_t *received)
{
    for (;;) {
        ssize_t found = recv(wire->socket, buffer, REPLY_PIECE, MSG_DONTWAIT);
        if (found >= 0) {
            *received = (Py_ssize_t)found;
            return 0;
        }
        int error = errno == EINTR ? 0 : would_wait() ? await_wire(wire, POLLIN) : errno;
        if (error)
            return error;
    }
}

PyDoc_STRVAR(exchange_doc,
"exchange(socket, parts, pause_ms, total_ms, /)\n--\n\n"
"Sends the bytes of the tuple *parts*; (0, an errno, or -1 where the connection cannot be used; what came in reply).");

static PyObject *exchange(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    long long descriptor, pause, total;
    struct iovec parts[MOST_PARTS];
    if (count != 4 || !PyTuple_CheckExact(args[1]) || PyTuple_GET_SIZE(args[1]) > MOST_PARTS)
        return PyErr_Format(PyExc_TypeError, "exchange takes a descriptor, a tuple of bytes, and two numbers");
    if (!number(args[0], 0, INT_MAX, &descriptor) || !number(args[2], 0, LONGEST_MS, &pause)
        || !number(args[3], 0, LONGEST_MS, &total))
        return NULL;
    int size = (int)PyTuple_GET_SIZE(args[1]);
    for (int i = 0; i < size; i++) {
        PyObject *part = PyTuple_GET_ITEM(args[1], i);
        if (!PyBytes_CheckExact(part))
            return PyErr_Format(PyExc_TypeError, "exchange sends bytes");
        parts[i].iov_base = PyBytes_AS_STRING(part);
        parts[i].iov_len = (size_t)PyBytes_GET_SIZE(part);
    }
    char reply[REPLY_PIECE];
    Py_ssize_t received = 0;
    int error;
    Wire wire = {(int)descriptor, pause, now_ms() + total, PyEval_SaveThread()};
    if (!fresh(&wire))
        error = STALE;
    else if (!(error = send_parts(&wire, parts, (size_t)size)))
        error = receive_some(&wire, reply, &received);
    PyEval_RestoreThread(wire.thread);
    if (PyErr_Occurred())
        return NULL;
    return Py_BuildValue("iy#", error, reply, received);
}
