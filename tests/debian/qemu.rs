//! The run that starts it all: a guest saved with bookworm's ROM is refused
//! by a host whose ROM has grown, and accepted with the compat ROM.

use crate::fetched::{build_into, grown_release, package, unpack};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// A QEMU process that is spoken to by QMP; it dies with this value.
struct Qemu {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the destination of a migration does.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Refused(String),
}

impl Qemu {
    /// Starts a machine with one virtio-net-pci that finds its ROM in these
    /// folders, in an empty current folder: QEMU looks there first.
    fn start(empty: &Path, folders: &[&Path], more: &[&str]) -> Self {
        let mut command = Command::new("qemu-system-x86_64");
        command
            .current_dir(empty)
            .args(["-machine", "pc,accel=tcg", "-m", "16", "-S", "-nodefaults"])
            .args(["-display", "none", "-qmp", "stdio"]);
        for folder in folders {
            command.arg("-L").arg(folder);
        }
        command
            .args(["-L", "/usr/share/qemu", "-L", "/usr/share/seabios"])
            .args(more)
            .args(["-device", "virtio-net-pci"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("qemu-system-x86_64 starts");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut qemu = Self {
            child,
            input,
            output,
        };
        assert!(
            qemu.next()
                .is_some_and(|greeting| greeting["QMP"].is_object()),
            "{}",
            qemu.stderr()
        );
        qemu.execute("qmp_capabilities", json!({}));
        let events = json!({"capabilities": [{"capability": "events", "state": true}]});
        qemu.execute("migrate-set-capabilities", events);
        qemu
    }

    /// The next message; none once QEMU has gone.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    fn send(&mut self, command: &str, arguments: Value) {
        let message = json!({"execute": command, "arguments": arguments});
        writeln!(self.input, "{message}").unwrap();
    }

    fn execute(&mut self, command: &str, arguments: Value) -> Value {
        self.send(command, arguments);
        loop {
            let message = self
                .next()
                .unwrap_or_else(|| panic!("{command}: {}", self.stderr()));
            assert!(message.get("error").is_none(), "{command}: {message}");
            if let Some(answer) = message.get("return") {
                return answer.clone();
            }
        }
    }

    /// Waits until a migration has ended; none where QEMU ended with it.
    fn migration_end(&mut self) -> Option<String> {
        loop {
            let message = self.next()?;
            let status = message["data"]["status"].as_str().unwrap_or_default();
            if message["event"] == "MIGRATION" && matches!(status, "completed" | "failed") {
                return Some(status.to_owned());
            }
        }
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        let _ = self.child.kill();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }
}

fn save(state: &Path, empty: &Path, folders: &[&Path]) {
    let mut source = Qemu::start(empty, folders, &[]);
    let uri = format!("exec:cat > {}", state.display());
    source.send("migrate", json!({"uri": uri}));
    assert_eq!(source.migration_end().as_deref(), Some("completed"));
}

fn load(state: &Path, empty: &Path, folders: &[&Path], more: &[&str]) -> Outcome {
    let more = [&["-incoming", "defer"], more].concat();
    let mut destination = Qemu::start(empty, folders, &more);
    let uri = format!("exec:cat {}", state.display());
    destination.send("migrate-incoming", json!({"uri": uri}));
    if destination.migration_end().as_deref() != Some("completed") {
        return Outcome::Refused(destination.stderr());
    }
    let status = destination.execute("query-status", json!({}));
    assert_eq!(status["status"], "prelaunch");
    Outcome::Accepted
}

#[test]
#[ignore = "needs fetched ROMs and QEMU"]
fn a_saved_guest_is_refused_by_the_grown_rom_and_accepted_with_the_compat_rom() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let dist = folder.path().join("dist");
    let installed = unpack(&build_into(&dist));
    let compat = installed.path().join("usr/share/qemu");
    let old_root = unpack(&package("bookworm", "ipxe-qemu"));
    let old = old_root.path().join("usr/lib/ipxe/qemu");
    let (_, grown) = grown_release();
    let state = folder.path().join("state");
    save(&state, &empty, &[&old]);

    assert_eq!(load(&state, &empty, &[&old], &[]), Outcome::Accepted);

    let Outcome::Refused(line) = load(&state, &empty, &[grown.path()], &[]) else {
        panic!("the grown ROM was accepted");
    };
    let said =
        "Size mismatch: 0000:00:02.0/virtio-net-pci.rom: 0x40000 != 0x80000: Invalid argument";
    assert!(line.contains(said), "{line}");

    let hosts: [&Path; 2] = [grown.path(), &compat];
    let config = dist.join("romfiles.cfg");
    let config = ["-readconfig", config.to_str().unwrap()];
    assert_eq!(load(&state, &empty, &hosts, &config), Outcome::Accepted);

    let globals = std::fs::read_to_string(dist.join("globals.txt")).unwrap();
    let globals: Vec<&str> = globals.split_whitespace().collect();
    assert_eq!(load(&state, &empty, &hosts, &globals), Outcome::Accepted);

    let in_package = installed
        .path()
        .join("usr/share/ipxe-qemu-256k-compat-efi-roms/romfiles.cfg");
    assert_eq!(
        std::fs::read(in_package).unwrap(),
        std::fs::read(dist.join("romfiles.cfg")).unwrap()
    );
}
