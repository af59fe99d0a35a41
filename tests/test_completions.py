"""The endpoint, asked by the client that people have, and wrongly."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import openai
import pytest
from fastapi.testclient import TestClient

from assent.web.completions import app_of
from small_project import SECRET_WORDS, model_of, opened, somebody

pytest_plugins = ("toy_projects", "command_line")


@pytest.fixture
def client(toy):
    with TestClient(app_of(toy)) as made:
        yield made


@pytest.fixture
def model(toy):
    with opened(toy, 1) as project:
        return model_of(project)


def ask(client, model, **asked):
    return client.post("/v1/completions", json={"model": model} | asked)


def test_it_says_what_ask_says(client, toy, model):
    with opened(toy, 1) as project:
        wanted = project.ask("u01 wrote", size=30, seed=4, temperature=0.5).text

    found = ask(
        client, model, prompt="u01 wrote", max_tokens=30, seed=4, temperature=0.5
    ).json()

    assert found["object"] == "text_completion"
    [choice] = found["choices"]
    assert choice == {
        "index": 0,
        "text": wanted,
        "logprobs": None,
        "finish_reason": "length",
    }
    assert found["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 30,
        "total_tokens": 39,
    }
    assert found["assent"]["serving"] == [["de-fr", 0], ["us", 0]]


def test_a_stream_gives_the_same_text_piece_by_piece(client, model):
    asked = {"prompt": "x", "max_tokens": 25, "seed": 4, "stop": ["\n"]}
    whole = ask(client, model, **asked).json()["choices"][0]

    lines = ask(client, model, stream=True, **asked).text.split("\n\n")

    assert lines[-2:] == ["data: [DONE]", ""]
    choices = [
        json.loads(line.removeprefix("data: "))["choices"][0] for line in lines[:-2]
    ]
    assert "".join(each["text"] for each in choices) == whole["text"]
    assert choices[-1]["finish_reason"] == whole["finish_reason"]
    assert {each["finish_reason"] for each in choices[:-1]} <= {None}


def test_who_withdraws_falls_silent_and_a_repair_speaks(client, toy, model):
    with opened(toy, 1) as project:
        project.record("withdrawn", [somebody(project, "us", 1)])
        [listed] = client.get("/v1/models").json()["data"]
        assert listed["assent"]["quarantined"] == [["us", 0]]
        assert listed["assent"]["serving"] == [["de-fr", 0]]
        repaired = project.forget().model_id

    assert ask(client, model).status_code == 404
    assert ask(client, repaired, max_tokens=1).status_code == 200


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": 5}, "logprobs"),
        ({"echo": True}, "echo"),
        ({"max_tokens": 5000}, "max_tokens"),
        ({"temperature": -1}, "temperature"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": SECRET_WORDS, "suffix": "x"}, "suffix"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(client, model, asked, field):
    found = ask(client, model, **asked)

    assert found.status_code == 400
    error = found.json()["error"]
    assert f"`{field}" in error["message"]
    assert error["type"] == "invalid_request_error"
    assert SECRET_WORDS not in found.text


def test_a_body_that_is_no_json_and_another_model_are_refused(client, model):
    found = client.post("/v1/completions", content=b"{")
    assert found.status_code == 400
    assert ask(client, model, stop="").status_code == 400
    other = ask(client, "gpt-9")
    assert other.status_code == 404
    assert model in other.json()["error"]["message"]


def test_without_the_token_nothing_is_said(toy, model):
    with TestClient(app_of(toy, "s3cret")) as client:
        assert client.get("/v1/models").status_code == 401
        wrong = {"Authorization": "Bearer other"}
        assert client.get("/v1/models", headers=wrong).status_code == 401
        right = {"Authorization": "Bearer s3cret"}
        assert client.get("/v1/models", headers=right).status_code == 200
        assert client.get("/docs").status_code == 404


# --- the command ---------------------------------------------------------------------


@contextmanager
def served(folder, *options):
    """Run `assent serve` in a process of its own; gives the address."""
    command = [sys.executable, "-m", "assent", "--project", str(folder), "serve"]
    process = subprocess.Popen(
        [*command, "--port", "0", *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        process.stdout.readline()
        yield process.stdout.readline().removeprefix("listens on ").strip()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "Traceback" not in out + err
    finally:
        process.kill()


def test_the_client_that_people_have_works_as_it_is(toy, tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    with served(toy, "--token-file", tmp_path / "token") as address:
        client = openai.OpenAI(base_url=address, api_key="s3cret", max_retries=0)
        [model] = client.models.list().data

        found = client.completions.create(
            model=model.id, prompt="u01", max_tokens=12, seed=3
        )
        stream = client.completions.create(
            model=model.id, prompt="u01", max_tokens=12, seed=3, stream=True
        )

        assert found.usage.completion_tokens == 12
        assert "".join(each.choices[0].text for each in stream) == found.choices[0].text
        with pytest.raises(openai.BadRequestError, match="`n`"):
            client.completions.create(model=model.id, prompt="u01", n=3)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{address}/models")


def test_what_cannot_be_served_is_refused(fresh, toy, tmp_path, refuses):
    refuses(fresh, "serve", "--port", "0", found="no model")
    refuses(toy, "serve", "--host", "256.1.1.1", found="cannot be listened on")
    refuses(toy, "serve", "--port", "99999", found="65535")
    (tmp_path / "token").write_text("\n")
    refuses(toy, "serve", "--token-file", tmp_path / "token", found="no single token")
    refuses(toy, "serve", "--token-file", tmp_path / "none", found="cannot be read")
