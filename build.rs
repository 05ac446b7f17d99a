//! Generates the gRPC code from `proto/` with a compiler in Rust, so that no `protoc` has to be installed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;
use protox::prost_reflect::prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    // Reflection serves the contract with its comments, and nothing else.
    let contract = compile("proto/consent/v1")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("consent.v1.bin"), contract.encode_to_vec())?;

    generate()
        .bytes(".consent.v1.GetRecordResponse.line")
        .bytes(".consent.v1.ProvenRecord")
        .bytes(".consent.v1.SealedOpening")
        .bytes(".consent.v1.ProveConsistencyResponse")
        .bytes(".consent.v1.ExportRecordsResponse.lines")
        // What carries a secret shows nothing of itself (T3).
        .skip_debug([
            ".consent.v1.VerifySecretRequest",
            ".consent.v1.EstablishCredentialRequest",
            ".consent.v1.KnownValues",
            ".consent.v1.ChallengeAnswer",
        ])
        // The same type as in the statuses that calls end with.
        .extern_path(".google.rpc", "::tonic_types")
        .compile_fds(contract)?;
    generate().compile_fds(compile("proto/bench/v1")?)?;

    println!("cargo:rerun-if-changed=proto");
    Ok(())
}

fn generate() -> tonic_prost_build::Builder {
    tonic_prost_build::configure()
}

fn compile(folder: &str) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|end| end == "proto"));
    files.sort();
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    Ok(compiler.file_descriptor_set())
}
