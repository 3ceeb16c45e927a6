//! `wasi:filesystem/types` and `preopens`: look up, convert, call, convert.

use std::io;

use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, IoError};

use super::FilesystemCtxView;
use super::bindings::{preopens, types};
use super::convert::{
    FsError, FsResult, descriptor_flags, descriptor_stat, descriptor_type, error_code, flags_of,
    follow, hash, new_time, open_flags,
};
use super::streams;
use crate::backend::Source;
use crate::descriptor::Descriptor;
use crate::error::ErrorCode;
use crate::stream::DirectoryStream;
use crate::trace::Call;

impl<'a> FilesystemCtxView<'a> {
    fn call(&self, name: &'static str, on: &Resource<Descriptor>) -> Call<'a> {
        self.ctx.trace.call(name, Some(on.rep()))
    }
}

impl preopens::Host for FilesystemCtxView<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let call = self.ctx.trace.call("preopens.get-directories", None);
        let preopens = self.ctx.mounts.preopens().into_iter();
        let directories = preopens
            .map(|(descriptor, name)| Ok((self.table.push(descriptor)?, name)))
            .collect::<Result<Vec<_>>>()?;
        Ok(call.end_with(Ok(directories), |all| Some(all.len() as u64))?)
    }
}

impl types::Host for FilesystemCtxView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<types::ErrorCode> {
        match error {
            FsError::Code(code) => Ok(error_code(code)),
            FsError::Trap(trap) => Err(trap),
        }
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<IoError>,
    ) -> Result<Option<types::ErrorCode>> {
        let error = self.table.get(&error)?;
        if let Some(&code) = error.downcast_ref::<ErrorCode>() {
            return Ok(Some(error_code(code)));
        }
        // Standard output, whose reader has gone: programs end quietly if they know.
        let error = error.downcast_ref::<io::Error>();
        let pipe = error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        Ok(pipe.then_some(types::ErrorCode::Pipe))
    }
}

impl types::HostDirectoryEntryStream for FilesystemCtxView<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        let call = self.ctx.trace.call("directory-entry-stream.read-directory-entry", None);
        let entry = call.end(self.table.get_mut(&stream)?.next().transpose())?;
        Ok(entry.map(|(kind, name)| types::DirectoryEntry { type_: descriptor_type(kind), name }))
    }

    fn drop(&mut self, stream: Resource<DirectoryStream>) -> Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}

impl types::HostDescriptor for FilesystemCtxView<'_> {
    fn read_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        let call = self.call("descriptor.read-via-stream", &fd).offset(offset);
        let stream = call.end(self.table.get(&fd)?.read_via_stream(offset))?;
        Ok(self.table.push(streams::input(stream, self.ctx.trace.clone(), fd.rep()))?)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let call = self.call("descriptor.write-via-stream", &fd).offset(offset);
        let stream = call.end(self.table.get(&fd)?.write_via_stream(offset))?;
        Ok(self.table.push(streams::output(stream, self.ctx.trace.clone(), fd.rep()))?)
    }

    fn append_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let call = self.call("descriptor.append-via-stream", &fd);
        let stream = call.end(self.table.get(&fd)?.append_via_stream())?;
        Ok(self.table.push(streams::output(stream, self.ctx.trace.clone(), fd.rep()))?)
    }

    fn advise(
        &mut self,
        fd: Resource<Descriptor>,
        offset: u64,
        length: u64,
        _advice: types::Advice,
    ) -> FsResult<()> {
        let call = self.call("descriptor.advise", &fd).offset(offset).length(length);
        Ok(call.end(self.table.get(&fd)?.advise(offset, length))?)
    }

    async fn sync_data(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        let call = self.call("descriptor.sync-data", &fd);
        Ok(call.end(self.table.get(&fd)?.sync_data().await)?)
    }

    fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorFlags> {
        let call = self.call("descriptor.get-flags", &fd);
        Ok(flags_of(call.end(Ok(self.table.get(&fd)?.flags()))?))
    }

    fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorType> {
        let call = self.call("descriptor.get-type", &fd);
        Ok(descriptor_type(call.end(Ok(self.table.get(&fd)?.kind()))?))
    }

    fn set_size(&mut self, fd: Resource<Descriptor>, size: u64) -> FsResult<()> {
        let call = self.call("descriptor.set-size", &fd).length(size);
        Ok(call.end(self.table.get(&fd)?.set_size(size))?)
    }

    async fn set_times(
        &mut self,
        fd: Resource<Descriptor>,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        let call = self.call("descriptor.set-times", &fd);
        let descriptor = self.table.get(&fd)?;
        let answer = async { descriptor.set_times(new_time(accessed)?, new_time(modified)?).await };
        Ok(call.end(answer.await)?)
    }

    fn read(
        &mut self,
        fd: Resource<Descriptor>,
        length: u64,
        offset: u64,
    ) -> FsResult<(Vec<u8>, bool)> {
        let call = self.call("descriptor.read", &fd).offset(offset).length(length);
        let answer = self.table.get(&fd)?.read(length, offset);
        Ok(call.end_with(answer, |(bytes, _)| Some(bytes.len() as u64))?)
    }

    fn write(&mut self, fd: Resource<Descriptor>, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        let length = bytes.len() as u64;
        let call = self.call("descriptor.write", &fd).offset(offset).length(length);
        let answer = self.table.get(&fd)?.write(Source::Slice(&bytes), offset);
        Ok(call.end_with(answer, |&count| Some(count))?)
    }

    async fn read_directory(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryStream>> {
        let call = self.call("descriptor.read-directory", &fd);
        let stream = call.end(self.table.get(&fd)?.read_directory().await)?;
        Ok(self.table.push(stream)?)
    }

    async fn sync(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        let call = self.call("descriptor.sync", &fd);
        Ok(call.end(self.table.get(&fd)?.sync().await)?)
    }

    async fn create_directory_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let call = self.call("descriptor.create-directory-at", &fd).path(&path);
        Ok(call.end(self.table.get(&fd)?.create_directory_at(path.as_bytes()).await)?)
    }

    async fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorStat> {
        let call = self.call("descriptor.stat", &fd);
        Ok(descriptor_stat(&call.end(self.table.get(&fd)?.stat().await)?))
    }

    async fn stat_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        let call = self.call("descriptor.stat-at", &fd).path(&path);
        let answer = self.table.get(&fd)?.stat_at(follow(flags), path.as_bytes()).await;
        Ok(descriptor_stat(&call.end(answer)?))
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: types::PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        let call = self.call("descriptor.set-times-at", &fd).path(&path);
        let descriptor = self.table.get(&fd)?;
        let answer = async {
            let (accessed, modified) = (new_time(accessed)?, new_time(modified)?);
            descriptor.set_times_at(follow(flags), path.as_bytes(), accessed, modified).await
        };
        Ok(call.end(answer.await)?)
    }

    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: types::PathFlags,
        path: String,
        new_fd: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let call = self.call("descriptor.link-at", &fd).path(&path).to(&new_path);
        let (base, new_base) = (self.table.get(&fd)?, self.table.get(&new_fd)?);
        let (old, new) = (path.as_bytes(), new_path.as_bytes());
        Ok(call.end(base.link_at(follow(flags), old, new_base, new).await)?)
    }

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        open: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let call = self.call("descriptor.open-at", &fd).path(&path);
        let (open, flags) = (open_flags(open), descriptor_flags(flags));
        let base = self.table.get(&fd)?;
        let opened = match base.open_at(follow(path_flags), path.as_bytes(), open, flags).await {
            Ok(descriptor) => Ok(self.table.push(descriptor)?),
            Err(code) => Err(code),
        };
        Ok(call.end_with(opened, |opened| Some(opened.rep().into()))?)
    }

    async fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        let call = self.call("descriptor.readlink-at", &fd).path(&path);
        Ok(call.end(self.table.get(&fd)?.readlink_at(path.as_bytes()).await)?)
    }

    async fn remove_directory_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let call = self.call("descriptor.remove-directory-at", &fd).path(&path);
        Ok(call.end(self.table.get(&fd)?.remove_directory_at(path.as_bytes()).await)?)
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
        new_fd: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let call = self.call("descriptor.rename-at", &fd).path(&path).to(&new_path);
        let (base, new_base) = (self.table.get(&fd)?, self.table.get(&new_fd)?);
        Ok(call.end(base.rename_at(path.as_bytes(), new_base, new_path.as_bytes()).await)?)
    }

    async fn symlink_at(
        &mut self,
        fd: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        let call = self.call("descriptor.symlink-at", &fd).path(&path).to(&target);
        Ok(call.end(self.table.get(&fd)?.symlink_at(target.as_bytes(), path.as_bytes()).await)?)
    }

    async fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        let call = self.call("descriptor.unlink-file-at", &fd).path(&path);
        Ok(call.end(self.table.get(&fd)?.unlink_file_at(path.as_bytes()).await)?)
    }

    fn is_same_object(
        &mut self,
        fd: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> Result<bool> {
        let call = self.call("descriptor.is-same-object", &fd);
        let same = self.table.get(&fd)?.is_same_object(self.table.get(&other)?);
        Ok(call.end(Ok(same))?)
    }

    async fn metadata_hash(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<types::MetadataHashValue> {
        let call = self.call("descriptor.metadata-hash", &fd);
        Ok(hash(call.end(self.table.get(&fd)?.metadata_hash().await)?))
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        let call = self.call("descriptor.metadata-hash-at", &fd).path(&path);
        let answer = self.table.get(&fd)?.metadata_hash_at(follow(flags), path.as_bytes()).await;
        Ok(hash(call.end(answer)?))
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> Result<()> {
        self.table.delete(fd)?;
        Ok(())
    }
}
