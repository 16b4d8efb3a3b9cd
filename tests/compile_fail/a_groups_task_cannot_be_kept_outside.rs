fn main() -> corio::Result<()> {
    let mut kept = None;
    corio::task_group(|group| {
        kept = Some(group.create_task(|| Ok(1)));
        Ok(())
    })?;
    drop(kept);
    Ok(())
}
