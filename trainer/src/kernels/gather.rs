//! Values of a map at many places.
#![allow(unsafe_code)]

/// The values that lie `offset` after each of the places.
///
/// To be called from within [`super::Loops`], which compile it for the machine's instruction set.
///
/// # Panics
/// When one of them lies after the map's end.
#[inline(always)]
pub fn gather(map: &[f32], places: &[u32], offset: usize, values: &mut [f32]) {
    // The largest of all rather than a search for one too large: that is done on whole vectors.
    let largest = places.iter().fold(0, |largest, place| largest.max(*place));
    assert!(
        places.is_empty() || largest as usize + offset < map.len(),
        "a place lies outside of the map"
    );
    for (value, place) in values.iter_mut().zip(places) {
        // SAFETY: no place is larger than the largest, which lies in the map with the offset.
        *value = unsafe { *map.get_unchecked(*place as usize + offset) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_each_place() {
        let map: Vec<f32> = (0..40).map(|value| value as f32).collect();
        let places: Vec<u32> = (0..100).map(|index| index * 7 % 32).collect();
        for offset in [0, 2, 8] {
            let mut values = vec![0.0; 100];
            gather(&map, &places, offset, &mut values);
            assert!(
                values
                    .iter()
                    .zip(&places)
                    .all(|(value, place)| *value as usize == *place as usize + offset)
            );
        }
    }

    #[test]
    #[should_panic(expected = "outside")]
    fn a_place_after_the_end_is_refused() {
        gather(&[0.0; 20], &[3, 11], 9, &mut [0.0; 2]);
    }
}
