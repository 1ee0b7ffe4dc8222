"""A chapter's kernel as a fork of its job: what is imported already need not be imported again."""

import atexit
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from ipykernel.kernelapp import IPKernelApp
from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from compendium.build.children import die_with_parent


class Forked:
    """A kernel's process, with what a provisioner asks of a `subprocess.Popen`.

    It is forked at once, so make it while the job has one thread and no sockets; it waits until `begin`, or ends with
    the job.
    """

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        orders, self._orders = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._orders)
            become_kernel(orders)
        os.close(orders)

    def begin(self, arguments: list[str], directory: str, environment: Mapping[str, str]) -> None:
        """Let the kernel run: with these arguments of ``ipykernel_launcher``, there, in this environment."""
        with open(self._orders, "w", encoding="utf-8") as pipe:
            json.dump([arguments, directory, dict(environment)], pipe)

    def poll(self) -> int | None:
        return self.wait(os.WNOHANG)

    def wait(self, flags: int = 0) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, flags)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def become_kernel(orders: int) -> NoReturn:
    """Wait for orders, then do what ``python -m ipykernel_launcher`` does; never returns into the job's code."""
    status = 1
    try:
        die_with_parent()
        os.setsid()
        with open(orders, encoding="utf-8") as pipe:
            text = pipe.read()
        if text:
            arguments, directory, environment = json.loads(text)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(directory)
            os.environ.clear()
            os.environ.update(environment)
            sys.argv = ["ipykernel_launcher", *arguments]
            IPKernelApp.launch_instance(arguments)
            atexit.unregister(
                IPKernelApp.instance().close
            )  # closes sockets that another thread may just be waiting for
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        atexit._run_exitfuncs()
        os._exit(status)


def manager_of(kernel: Forked) -> type[AsyncKernelManager]:
    """The class of kernel managers whose kernel is this one (Jupyter makes the manager by itself)."""

    class Provisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
            watch = f"--IPKernelApp.parent_handle={os.getpid()}"  # or it would outlive a job that is killed
            arguments = [*cmd[cmd.index("ipykernel_launcher") + 1 :], watch]
            kernel.begin(arguments, kwargs.get("cwd") or os.getcwd(), kwargs["env"])
            self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
            return self.connection_info

    class Manager(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.provisioner = Provisioner(kernel_spec=self.kernel_spec, parent=self)

    return Manager
