/*
 * A NETCONF server on libnetconf2, for tests: over TLS, over a Unix socket, and over TLS where it
 * calls. Its datastores are text, which edit-config replaces as a whole.
 *
 * Arguments are NAME=VALUE:
 *   modules      the folder with its YANG modules
 *   certificate, key, authorities   PEM files
 *   named        fingerprint of an authority ("04:AB:..."), whose clients have their common
 *                name for a user's name (RFC 7407); others are refused. More than one may be.
 *   listen       an address for TLS; more than one may be
 *   unix         a path
 *   call         ADDRESS,PORT of a client that listens for calls
 * It prints "listening on ADDRESS port PORT" or "listening at PATH" for each, then "ready".
 */

#define _GNU_SOURCE
#include <libyang/libyang.h>
#include <libnetconf2/config.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * The headers do not say with what the library was built, and without its SSH the number that
 * stands for TLS is another. Where they use libssh itself they would want its headers, too.
 */
#define NC_ENABLED_TLS
#define NC_ENABLED_SSH
#include <libnetconf2/session.h>
#undef NC_ENABLED_SSH
#include <libnetconf2/log.h>
#include <libnetconf2/messages_server.h>
#include <libnetconf2/session_server.h>
#include <libnetconf2/session_server_ch.h>

#define WAITED_MS 200
#define POLLERS 2
#define MOST 8

static struct ly_ctx *context;
static struct nc_pollsession *sessions;
static pthread_mutex_t datastores = PTHREAD_MUTEX_INITIALIZER;
static char *running, *candidate;
static const char *modules, *certificate, *key, *authorities, *path, *to_call;
static const char *named[MOST], *addresses[MOST];
static int named_count, address_count;
static const struct {
    const char *name, **value;
} settings[] = {
    {"modules", &modules}, {"certificate", &certificate}, {"key", &key}, {"unix", &path},
    {"authorities", &authorities}, {"call", &to_call}, {NULL, NULL},
};

static void check(int result, const char *what)
{
    if (result) {
        fprintf(stderr, "libnetconf2_server: %s\n", what);
        exit(1);
    }
}

/* Operations */

static struct nc_server_reply *failed(NC_ERR tag)
{
    return nc_server_reply_err(nc_err(context, tag, NC_ERR_TYPE_APP));
}

static struct lyd_node *output_of(struct lyd_node *rpc)
{
    struct lyd_node *output = NULL;

    lyd_dup_single(rpc, NULL, 0, &output);
    return output;
}

static char **datastore(struct lyd_node *rpc, const char *path)
{
    struct lyd_node *found = NULL;

    return lyd_find_path(rpc, path, 0, &found) == LY_SUCCESS ? &candidate : &running;
}

static struct nc_server_reply *data(struct lyd_node *rpc, const char *content)
{
    struct lyd_node *output = output_of(rpc);

    if (lyd_new_any(output, NULL, "data", content ? content : "", 0, LYD_ANYDATA_XML, 1, NULL)) {
        return failed(NC_ERR_OP_FAILED);
    }
    return nc_server_reply_data(output, NC_WD_EXPLICIT, NC_PARAMTYPE_FREE);
}

static struct nc_server_reply *edit(struct lyd_node *rpc)
{
    struct lyd_node *config = NULL;
    char *text = NULL, **edited = datastore(rpc, "target/candidate");

    if (lyd_find_path(rpc, "config", 0, &config) || lyd_any_value_str(config, &text)) {
        return failed(NC_ERR_INVALID_VALUE);
    }
    free(*edited);
    *edited = text;
    return nc_server_reply_ok();
}

static void notify(const char *by)
{
    struct lyd_node *event = NULL;
    struct nc_server_notif *told;
    struct nc_session *each;
    char *when = NULL;

    check(lyd_new_path(NULL, context, "/ncwire-tests:committed", NULL, 0, &event), "notification");
    check(lyd_new_path(event, NULL, "by", by, 0, NULL), "notification");
    check(ly_time_time2str(time(NULL), NULL, &when), "time");
    told = nc_server_notif_new(event, when, NC_PARAMTYPE_FREE);
    for (uint16_t i = 0; (each = nc_ps_get_session(sessions, i)); i++) {
        if (nc_session_get_notif_status(each)) {
            nc_server_notif_send(each, told, 1000);
        }
    }
    nc_server_notif_free(told);
}

static struct nc_server_reply *kill_session(struct lyd_node *rpc, struct nc_session *killer)
{
    struct lyd_node *id = NULL;
    struct nc_session *each;

    lyd_find_path(rpc, "session-id", 0, &id);
    for (uint16_t i = 0; (each = nc_ps_get_session(sessions, i)); i++) {
        if (each != killer && nc_session_get_id(each) == (uint32_t)atol(lyd_get_value(id))) {
            nc_session_set_term_reason(each, NC_SESSION_TERM_KILLED);
            nc_session_set_killed_by(each, nc_session_get_id(killer));
            nc_session_set_status(each, NC_STATUS_INVALID);
            return nc_server_reply_ok();
        }
    }
    return failed(NC_ERR_INVALID_VALUE);
}

static struct nc_server_reply *who_am_i(struct lyd_node *rpc, struct nc_session *session)
{
    struct lyd_node *output = output_of(rpc);

    if (lyd_new_term(output, NULL, "name", nc_session_get_username(session), 1, NULL)) {
        return failed(NC_ERR_OP_FAILED);
    }
    return nc_server_reply_data(output, NC_WD_EXPLICIT, NC_PARAMTYPE_FREE);
}

static struct nc_server_reply *answer_datastores(const char *name, struct lyd_node *rpc,
        struct nc_session *session)
{
    if (!strcmp(name, "get") || !strcmp(name, "get-config")) {
        return data(rpc, *datastore(rpc, "source/candidate"));
    }
    if (!strcmp(name, "edit-config")) {
        return edit(rpc);
    }
    if (!strcmp(name, "commit")) {
        free(running);
        running = candidate ? strdup(candidate) : NULL;
        notify(nc_session_get_username(session));
        return nc_server_reply_ok();
    }
    if (!strcmp(name, "discard-changes")) {
        free(candidate);
        candidate = running ? strdup(running) : NULL;
        return nc_server_reply_ok();
    }
    return failed(NC_ERR_OP_NOT_SUPPORTED);
}

static struct nc_server_reply *answer(struct lyd_node *rpc, struct nc_session *session)
{
    const char *name = rpc->schema->name;
    struct nc_server_reply *reply;

    if (!strcmp(name, "kill-session")) {
        return kill_session(rpc, session);
    }
    if (!strcmp(name, "who-am-i")) {
        return who_am_i(rpc, session);
    }
    if (!strcmp(name, "create-subscription")) {
        nc_session_inc_notif_status(session);
        return nc_server_reply_ok();
    }
    pthread_mutex_lock(&datastores); /* two threads poll */
    reply = answer_datastores(name, rpc, session);
    pthread_mutex_unlock(&datastores);
    return reply;
}

static void *poll_sessions(void *none)
{
    struct nc_session *session;

    while (1) {
        int result = nc_ps_poll(sessions, WAITED_MS, &session);

        if (result & NC_PSPOLL_NOSESSIONS) {
            usleep(10 * 1000);
        } else if (result & NC_PSPOLL_SESSION_TERM) {
            nc_ps_del_session(sessions, session);
            nc_session_free(session, NULL);
        }
    }
    return none;
}

/* Certificates, which the library asks for by a name that is the endpoint's to choose */

static int give_certificate(const char *name, void *data, char **path, char **der, char **key_path,
        char **key_der, NC_SSH_KEY_TYPE *type)
{
    (void)name, (void)data, (void)der, (void)key_der, (void)type;
    *path = strdup(certificate);
    *key_path = strdup(key);
    return 0;
}

/* What is trusted is in the file `authorities`, but the library asks all the same. */
static int give_none(const char *name, void *data, char ***paths, int *path_count, char ***ders,
        int *der_count)
{
    (void)name, (void)data, (void)paths, (void)path_count, (void)ders, (void)der_count;
    return 0;
}

/* Endpoints */

static uint16_t free_port(const char *address)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    int fd;

    check(getaddrinfo(address, "0", &hints, &found), "an address is none");
    fd = socket(found->ai_family, SOCK_STREAM, 0);
    check(fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen), "an address is not ours");
    check(getsockname(fd, (struct sockaddr *)&bound, &size), "getsockname");
    close(fd);
    freeaddrinfo(found);
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
            : ((struct sockaddr_in *)&bound)->sin_port);
}

static void listen_on(const char *address)
{
    uint16_t port = free_port(address);

    check(nc_server_add_endpt(address, NC_TI_OPENSSL), "endpoint");
    check(nc_server_tls_endpt_set_server_cert(address, "server"), "certificate");
    check(nc_server_tls_endpt_set_trusted_ca_paths(address, authorities, NULL), "authorities");
    for (int i = 0; i < named_count; i++) {
        check(nc_server_tls_endpt_add_ctn(address, i + 1, named[i], NC_TLS_CTN_COMMON_NAME, NULL),
                "named");
    }
    check(nc_server_endpt_set_address(address, address), "address");
    check(nc_server_endpt_set_port(address, port), "port");
    printf("listening on %s port %d\n", address, port);
}

static void listen_at_path(void)
{
    check(nc_server_add_endpt("unix", NC_TI_UNIX), "endpoint");
    check(nc_server_endpt_set_perms("unix", 0600, -1, -1), "permissions");
    check(nc_server_endpt_set_address("unix", path), "path");
    printf("listening at %s\n", path);
}

static int called(const char *client, struct nc_session *session)
{
    (void)client;
    return nc_ps_add_session(sessions, session);
}

static void call(void)
{
    char *where = strdup(to_call), *port = strchr(where, ',');

    check(!port, "call is ADDRESS,PORT");
    *port++ = '\0';
    check(nc_server_ch_add_client("client"), "client");
    check(nc_server_ch_client_add_endpt("client", "tls", NC_TI_OPENSSL), "endpoint");
    check(nc_server_tls_ch_client_endpt_set_server_cert("client", "tls", "server"), "certificate");
    check(nc_server_tls_ch_client_endpt_set_trusted_ca_paths("client", "tls", authorities, NULL),
            "authorities");
    for (int i = 0; i < named_count; i++) {
        check(nc_server_tls_ch_client_endpt_add_ctn("client", "tls", i + 1, named[i],
                NC_TLS_CTN_COMMON_NAME, NULL), "named");
    }
    check(nc_server_ch_client_endpt_set_address("client", "tls", where), "address");
    check(nc_server_ch_client_endpt_set_port("client", "tls", atoi(port)), "port");
    check(nc_server_ch_client_set_conn_type("client", NC_CH_PERSIST), "connection's type");
    check(nc_server_ch_client_set_start_with("client", NC_CH_FIRST_LISTED), "start with");
    check(nc_connect_ch_client_dispatch("client", called), "call");
}

int main(int count, char **arguments)
{
    const char *features[] = {"candidate", "writable-running", NULL};

    for (int i = 1; i < count; i++) {
        char *name = arguments[i], *value = strchr(name, '=');
        size_t known = 0;

        check(!value || named_count == MOST || address_count == MOST, name);
        *value++ = '\0';
        while (settings[known].name && strcmp(settings[known].name, name)) {
            known++;
        }
        if (settings[known].name) {
            *settings[known].value = value;
        } else if (!strcmp(name, "named")) {
            named[named_count++] = value;
        } else {
            check(strcmp(name, "listen"), name);
            addresses[address_count++] = value;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    nc_verbosity(NC_VERB_VERBOSE);
    check(ly_ctx_new(modules, 0, &context), "modules");
    check(!ly_ctx_load_module(context, "ietf-netconf", NULL, features), "ietf-netconf");
    check(!ly_ctx_load_module(context, "notifications", NULL, NULL), "notifications");
    check(!ly_ctx_load_module(context, "ncwire-tests", NULL, NULL), "ncwire-tests");
    check(nc_server_init(context), "server");
    nc_set_global_rpc_clb(answer);
    check(nc_server_set_capability("urn:ietf:params:netconf:capability:notification:1.0"), "hello");
    nc_server_tls_set_server_cert_clb(give_certificate, NULL, NULL);
    nc_server_tls_set_trusted_cert_list_clb(give_none, NULL, NULL);
    sessions = nc_ps_new();
    for (int i = 0; i < address_count; i++) {
        listen_on(addresses[i]);
    }
    if (path) {
        listen_at_path();
    }
    for (int i = 0; i < POLLERS; i++) {
        pthread_t thread;

        check(pthread_create(&thread, NULL, poll_sessions, NULL), "thread");
    }
    if (to_call) {
        call();
    }
    printf("ready\n");
    while (1) {
        struct nc_session *session = NULL;

        if (!address_count && !path) {
            pause();
        } else if (nc_accept(WAITED_MS, &session) == NC_MSG_HELLO) {
            nc_ps_add_session(sessions, session);
        }
    }
}
