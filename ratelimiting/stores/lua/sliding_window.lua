-- The same as algorithms/sliding_window.py. State: start, current, previous. Quota: window, limit, ticks, tick.
-- Returns the same as the token bucket.

local function sliding_window(charge, cost, now, start, current, previous, window, limit, ticks, tick)
  local begin = now - now % window
  if not start or start - begin > window then
    start, current, previous = begin, 0, 0
  else
    if begin > start then
      previous = begin - start == window and current or 0
      start, current = begin, 0
    end
    if current > limit then current = limit end
    if previous > limit then previous = limit end
  end
  local wait, reset, elapsed = 0, 0, 0
  if now > start then elapsed = floor((now - start) / tick) end
  local used = current * ticks + previous * (ticks - elapsed)
  if used + cost * ticks > limit * ticks then
    local room, offset = limit - cost, 2 * window
    if room >= 0 and current <= room then
      offset = min((ticks - floor((room - current) * ticks / previous)) * tick, window)
    elseif room >= 0 then
      offset = window + min((ticks - floor(room * ticks / current)) * tick, window)
    end
    wait = start + offset - now
  elseif charge then
    current, used = current + cost, used + cost * ticks
  end
  if current > 0 then
    reset = start + 2 * window - now
  elseif previous > 0 then
    reset = start + window - now
  end
  return wait, max(0, floor((limit * ticks - used) / ticks)), reset, start, current, previous
end
