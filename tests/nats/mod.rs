//! A real nats-server for tests: a child process on a free loopback port with a store of its own, which can be killed
//! and comes back on the same port with the same store.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is the test's failure"
)]

pub mod proxy;

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

/// Opening a store after a kill can take long on a busy machine; a server that never opens is a failure.
const START_ATTEMPTS: u32 = 600;
const START_PAUSE: Duration = Duration::from_millis(50);

/// A server, running or killed. Dropping it kills it and removes its store.
pub struct NatsServer {
    binary: PathBuf,
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl NatsServer {
    /// A running server with JetStream.
    pub fn start() -> NatsServer {
        NatsServer::start_with("")
    }

    /// A running server with more lines of configuration; `FOLDER` in them is the server's folder.
    pub fn start_with(configuration: &str) -> NatsServer {
        let mut server = NatsServer::absent_with(configuration);
        server.restart();
        server
    }

    /// A server that is not there yet: [`NatsServer::restart`] starts it.
    pub fn absent() -> NatsServer {
        NatsServer::absent_with("")
    }

    fn absent_with(configuration: &str) -> NatsServer {
        let binary = find_binary();
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let place = folder.path().display().to_string();
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{place}/store\" }}\n{}\n",
            configuration.replace("FOLDER", &place)
        );
        fs::write(folder.path().join("nats.conf"), text).unwrap();
        NatsServer {
            binary,
            port,
            folder,
            child: None,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder: configuration, log and store.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server as a power switch would: SIGKILL to this process, nothing flushed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again, or for the first time, and waits until it listens.
    pub fn restart(&mut self) {
        self.kill();
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let child = Command::new(&self.binary)
            .arg("-c")
            .arg(self.folder().join("nats.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.binary.display()));
        self.child = Some(child);
        self.wait_until_it_listens();
    }

    fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    fn wait_until_it_listens(&mut self) {
        for _ in 0..START_ATTEMPTS {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            if let Some(status) = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().unwrap())
            {
                panic!(
                    "nats-server ended with {status}: {}",
                    fs::read_to_string(self.log()).unwrap()
                );
            }
            std::thread::sleep(START_PAUSE);
        }
        panic!(
            "nats-server does not listen: {}",
            fs::read_to_string(self.log()).unwrap()
        );
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `NATS_SERVER`, or `nats-server` on the path, or `target/tools/nats-server`.
fn find_binary() -> PathBuf {
    if let Some(named) = env::var_os("NATS_SERVER") {
        let named = PathBuf::from(named);
        assert!(
            named.is_file(),
            "NATS_SERVER names {}, which is not a file",
            named.display()
        );
        return named;
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .chain([tools])
        .map(|folder| folder.join("nats-server"))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!(
                "this test needs a nats-server and finds none. Run `tests/nats/install` (it puts one into \
                 target/tools), or install your system's package `nats-server`, or name one: NATS_SERVER=/path/to/nats-server"
            )
        })
}
