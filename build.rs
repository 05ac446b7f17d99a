//! Generates the gRPC code from `proto/` with a compiler in Rust, so that no `protoc` has to be installed.

use std::{env, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["proto/consent/v1", "proto/bench/v1"] {
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    files.retain(|path| path.extension().is_some_and(|end| end == "proto"));
    files.sort();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();

    // Reflection serves the contract with its comments.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("consent.v1.bin"), descriptors.encode_to_vec())?;

    tonic_prost_build::configure()
        .bytes(".consent.v1.GetRecordResponse.line")
        .bytes(".consent.v1.ExportRecordsResponse.lines")
        // The same type as in the statuses that calls end with.
        .extern_path(".google.rpc", "::tonic_types")
        .compile_fds(descriptors)?;

    println!("cargo:rerun-if-changed=proto");
    Ok(())
}
