//! From a preview1 module to a component.

use std::convert::Infallible;

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider as adapter;
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ImportSection, Module};
use wasmparser::{Import, ImportSectionReader, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What the adapter does not use, because not every host has it: the exit code itself,
/// not only whether it is one of success.
const EXIT: &str = "wasi:cli/exit@0.2.12";
const EXIT_WIT: &str = "
package wasi-opfs:exit;
package wasi:cli@0.2.12 {
  interface exit {
    exit: func(status: result);
    exit-with-code: func(status-code: u8);
  }
}
world program {
  import wasi:cli/exit@0.2.12;
}";

/// Wraps `module` in the adapter.
pub(crate) fn to_component(module: &[u8]) -> Result<Vec<u8>> {
    let adapter_bytes = if exports_start(module)? {
        adapter::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        adapter::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    with_exit_code(module)
        .and_then(|module| ComponentEncoder::default().module(&module))
        .and_then(|encoder| {
            encoder.adapter(adapter::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter_bytes)
        })
        .and_then(|mut encoder| encoder.encode())
        .context("the module does not fit WASI preview1; compile it for WASI")
}

fn exports_start(module: &[u8]) -> Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export?.name == "_start" {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Lets `module` call `exit-with-code` where it calls `proc_exit`: both take a number
/// and do not return.
fn with_exit_code(module: &[u8]) -> Result<Vec<u8>> {
    let mut renamed = Module::new();
    let mut rename = RenameExit { found: false };
    rename.parse_core_module(&mut renamed, Parser::new(0), module)?;
    if !rename.found {
        return Ok(module.to_vec());
    }
    let mut renamed = renamed.finish();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("exit.wit", EXIT_WIT)?;
    let world = resolve.select_world(&[package], None)?;
    embed_component_metadata(&mut renamed, &resolve, world, StringEncoding::UTF8)?;
    Ok(renamed)
}

struct RenameExit {
    found: bool,
}

impl Reencode for RenameExit {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for import in section.into_imports() {
            let Import { module, name, ty } = import?;
            let exits =
                (module, name) == (adapter::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, "proc_exit");
            self.found |= exits;
            let (module, name) = if exits { (EXIT, "exit-with-code") } else { (module, name) };
            imports.import(module, name, self.entity_type(ty)?);
        }
        Ok(())
    }
}
