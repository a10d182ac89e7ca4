# One worker, one class of Durable Objects with SQLite storage on local disk, default output gates.
# The folder (STORAGE) and the address are given on the command line.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .users),
    (name = "STORAGE", disk = (writable = true)),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);

const users :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-01-01",
  durableObjectNamespaces = [
    (className = "User", uniqueKey = "questkeep-bench-user", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "STORAGE"),
  bindings = [
    (name = "USERS", durableObjectNamespace = "User"),
    (name = "DATASET_TEXT", fromEnvironment = "QUESTKEEP_BENCH_DATASET"),
    (name = "CALL", fromEnvironment = "QUESTKEEP_BENCH_CALL"),
  ],
);
