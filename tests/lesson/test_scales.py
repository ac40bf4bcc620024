import pytest

from wm_core.lesson.scales import scale, scale_name


def test_a_machine_without_cuda_is_tiny(monkeypatch):
    monkeypatch.delenv("WM_SCALE", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert scale_name() == "tiny"
    assert scale(tiny=1, gpu=2, full=3) == 1


def test_cuda_is_gpu(monkeypatch):
    monkeypatch.delenv("WM_SCALE", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert scale(tiny=1, gpu=2, full=3) == 2


def test_what_is_left_out_falls_back_to_the_scale_below(monkeypatch):
    monkeypatch.setenv("WM_SCALE", "full")
    assert scale(tiny=1, gpu=2, full=3) == 3
    assert scale(tiny=1, gpu=2) == 2
    assert scale(tiny=0) == 0


def test_an_unknown_scale_is_named(monkeypatch):
    monkeypatch.setenv("WM_SCALE", "huge")
    with pytest.raises(ValueError, match=r"'huge'.*tiny, gpu, full"):
        scale_name()
